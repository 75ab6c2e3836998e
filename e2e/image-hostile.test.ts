import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "@cleanroom/core";
import { buildImage, type ImageRequest, lockImage } from "@cleanroom/image-composer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forgedText, type Forgery, forgeRpm } from "./forged-rpm.ts";
import { layerEntries, type Surroundings, surroundings } from "./image-composer-fixture.ts";
import { buildPackages, createrepo } from "./repo-publisher-fixture.ts";

/** Packages that want to write where they should not, and an image that holds nothing of them. */

let here: Surroundings;
let scratch: string;
let request: ImageRequest;
/** Where a package's absolute link leads: nowhere on the host. */
const outside = "/srv/cleanroom-canary";

const context = (): Parameters<typeof buildImage>[0] => ({ ...here, logger: silentLogger });

function spec(name: string, install: string, files: string): string {
  return `
Name: ${name}
Version: 1
Release: 1
Summary: Not what it seems
License: MIT
BuildArch: noarch
Requires: base-files
%description
For tests.
%install
mkdir -p %{buildroot}/usr/share/${name}; cd %{buildroot}/usr/share/${name}
${install}
%files
${files}
`;
}

const size = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(bytes);
  return buffer;
};

/** Each with what is said of it: the package, and the entry. */
const hostile: readonly {
  readonly name: string;
  readonly what: string;
  readonly install: string;
  readonly files?: string;
  readonly forgery: Forgery;
  readonly entry: string;
  readonly why: string;
}[] = [
  {
    ...{ name: "evil-dot", what: "a path that leaves the root", install: "echo x > file" },
    forgery: [forgedText("/usr/share/evil-dot/", "/usr/share/../../../")],
    ...{ entry: "/usr/share/../../../file", why: "does not name one place" },
  },
  {
    ...{ name: "evil-whiteout", what: "a whiteout", install: "echo x > hide-it" },
    forgery: [forgedText("hide-it", ".wh.usr")],
    ...{ entry: "/usr/share/evil-whiteout/.wh.usr", why: "would hide files of other layers" },
  },
  {
    ...{ name: "evil-twice", what: "an entry twice", install: "echo x > aaaa; echo y > aaab" },
    forgery: [forgedText("aaab", "aaaa")],
    ...{ entry: "/usr/share/evil-twice/aaaa", why: "is listed twice" },
  },
  {
    ...{ name: "evil-link", what: "a file below the package's own link" },
    install: "ln -s /etc ln; mkdir dr; echo x > dr/passwd",
    forgery: [forgedText("/usr/share/evil-link/dr/", "/usr/share/evil-link/ln/")],
    ...{ entry: "/usr/share/evil-link/ln/passwd", why: "is below" },
  },
  {
    ...{ name: "evil-device", what: "a device", install: "true" },
    files: "%dev(b, 8, 0) %attr(0666, root, root) /usr/share/evil-device/disk",
    forgery: [],
    ...{ entry: "/usr/share/evil-device/disk", why: "is a block-device" },
  },
  {
    ...{ name: "evil-size", what: "more bytes than any disk has" },
    install: "for n in 1 2 3 4 5; do printf '%0.s.' $(seq 1 $((770 + n))) > file$n; done",
    forgery: [1, 2, 3, 4, 5].map((n) => [size(770 + n), size(0xff_00_00_00 + n)] as const),
    ...{ entry: "/usr/share/evil-size/file", why: "brings its package over" },
  },
];

/** What only shows while it is unpacked: rpm itself stops, and says where. */
const forgedContent: typeof hostile = [
  {
    ...{ name: "evil-short", what: "a size that the payload does not have" },
    install: "printf '%0.s.' $(seq 1 777) > file",
    // The package's size, and the file's.
    forgery: [
      [size(777), size(778)],
      [size(777), size(778)],
    ],
    ...{ entry: "file", why: "cpio" },
  },
];

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "hostile-"));
  here = await surroundings(scratch);
  const specs = [...hostile, ...forgedContent].map(({ name, install, files }) => [
    name,
    spec(name, install, files ?? `/usr/share/${name}`),
  ]);
  // An absolute link of one package, and a file of another one below it: rpm follows it in the root.
  const leading = spec("leading", `ln -s ${outside} out`, "/usr/share/leading");
  const following = `
Name: following
Version: 1
Release: 1
Summary: Below a link of another package
License: MIT
BuildArch: noarch
Requires(pre): leading
%description
For tests.
%install
mkdir -p %{buildroot}/usr/share/leading/out; echo x > %{buildroot}/usr/share/leading/out/file
%files
/usr/share/leading/out/file
`;
  const built = await buildPackages(here.tools, scratch, {
    ...(Object.fromEntries(specs) as Record<string, string>),
    ...{ leading, following },
  });
  for (const { name, forgery } of [...hostile, ...forgedContent]) {
    const file = built.find((one) => path.basename(one.file).startsWith(`${name}-1-1`))?.file;
    await forgeRpm(file ?? "", forgery);
  }
  const repository = path.join(scratch, "rpms");
  await createrepo(here.tools, repository);
  const own = { id: "test", location: { folder: repository }, priority: 1, digest: scratch };
  const folder = path.join(scratch, "image");
  await mkdir(folder);
  request = { name: "made", folder, arch: "x86_64", repositories: [own, here.base] };
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

async function build(name: string): Promise<Awaited<ReturnType<typeof buildImage>>> {
  await rm(path.join(request.folder, "image.lock.yaml"), { force: true });
  await writeFile(
    path.join(request.folder, "image.yaml"),
    `base: debian-trixie\npackages: [${name}]\nslim: { files: [/usr/include/**] }\n`,
  );
  await lockImage(context(), request);
  return buildImage(context(), request, { output: path.join(scratch, "output") });
}

describe("a hostile package is refused, with itself and the entry named", () => {
  test.each(hostile)("$what", async ({ name, entry, why }) => {
    const failed = build(name);
    await expect(failed).rejects.toMatchObject({ code: "package-hostile" });
    await expect(failed).rejects.toThrow(`${name}-1-1.noarch is refused: "${entry}`);
    await expect(failed).rejects.toThrow(why);
    expect(await readdir(scratch)).not.toContain("output");
  });

  test.each(forgedContent)("$what", async ({ name, entry, why }) => {
    const failed = build(name);
    await expect(failed).rejects.toThrow(name);
    await expect(failed).rejects.toThrow(entry);
    await expect(failed).rejects.toThrow(why);
    expect(await readdir(scratch)).not.toContain("output");
  });
});

test("a link to the outside leads nowhere but into the root", async () => {
  const image = await build("following");
  expect(existsSync(outside)).toBe(false);
  const entries = await layerEntries(here, path.join(scratch, "output"), image);
  const inside = `${outside.slice(1)}/file`;
  expect(entries.filter(({ name }) => name === inside)).toHaveLength(1);
  expect(entries.filter(({ name }) => name === "usr/share/leading/out/file")).toEqual([]);
});

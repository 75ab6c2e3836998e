import {
  glob,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { removeFolder, run, runInSandbox, silentLogger, start, Store } from "@cleanroom/core";
import {
  type BuiltImage,
  buildImage,
  type ImageRequest,
  lockImage,
  saveImage,
} from "@cleanroom/image-composer";
import { currentGeneration } from "@cleanroom/repo-publisher";
import type { RpmHeader } from "rpm-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  headersOf,
  type LayerEntry,
  layerEntries,
  madeRequest,
  signedAgain,
  type Surroundings,
  surroundings,
  unpack,
  unsignedRepository,
  workspaceRequest,
} from "./image-composer-fixture.ts";
import { Workspace } from "./workspace.ts";

let here: Surroundings;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "images-"));
  const workspace = await Workspace.copy();
  const { exitCode, stderr } = await workspace.cleanroom(["up", "hello", "--no-run"]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
  here = await surroundings(scratch);
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

interface Built {
  readonly request: ImageRequest;
  readonly output: string;
  readonly image: BuiltImage;
  readonly entries: readonly LayerEntry[];
}

async function build(request: ImageRequest, name: string): Promise<Built> {
  const context = { ...here, logger: silentLogger };
  const output = path.join(scratch, name);
  await lockImage(context, request);
  const image = await buildImage(context, request, { output });
  return { request, output, image, entries: await layerEntries(here, output, image) };
}

function names(entries: readonly LayerEntry[]): string[] {
  return [...new Set(entries.map(({ name }) => name))].toSorted();
}

/** The files of packages that an image holds, with the header's word on each. */
function packageFiles(
  headers: readonly RpmHeader[],
  entries: readonly LayerEntry[],
): { file: RpmHeader["files"][number]; entry: LayerEntry }[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return headers.flatMap(({ files }) =>
    files.flatMap((file) => {
      const entry = byName.get(file.path.slice(1));
      return entry === undefined || file.type === "directory" ? [] : [{ file, entry }];
    }),
  );
}

describe("the image hello", () => {
  let hello: Built;
  let headers: readonly RpmHeader[];

  beforeAll(async () => {
    const workspace = await Workspace.copy();
    const request = await workspaceRequest(here, "hello", workspace.path("specs/image/hello"));
    hello = await build(request, "hello");
    headers = await headersOf(request, hello.image);
  });

  test("holds no development package, compiler, source or build file", () => {
    const names = hello.entries.map(({ name }) => `/${name}`);
    expect(names).toContain("/usr/bin/gio");
    expect(hello.image.packages.filter(({ name }) => /-(devel|dev|static)$/.test(name))).toEqual(
      [],
    );
    const unwanted =
      /^\/usr\/include\/|^\/usr\/src\/|\.(a|la|o|c|h|cc|cpp|pc|spec|src\.rpm|gir|vala)$|^\/usr\/bin\/(cc|gcc|g\+\+|c\+\+|cpp|as|ld|make|meson|ninja|cmake|pkg-config|pkgconf|rpmbuild|rpm|dnf|apt|dpkg)$|\/cc1(plus)?$|^\/(tmp|var\/tmp|var\/cache\/(dnf|apt))\/./;
    expect(names.filter((name) => unwanted.test(name))).toEqual([]);
  });

  test("has no whiteout, and nothing twice", () => {
    expect(hello.entries.filter(({ name }) => path.basename(name).startsWith(".wh."))).toEqual([]);
    const files = hello.entries.filter(({ type }) => type !== "directory");
    const names = files.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    // A directory is the same wherever it is named, and named once in a layer.
    const directories = new Map<string, string>();
    for (const entry of hello.entries.filter(({ type }) => type === "directory")) {
      const { layer, ...rest } = entry;
      const known = directories.get(entry.name) ?? JSON.stringify(rest);
      expect(JSON.stringify(rest)).toBe(known);
      directories.set(entry.name, known);
      expect(hello.entries.filter((e) => e.layer === layer && e.name === entry.name)).toHaveLength(
        1,
      );
    }
  });

  test("has content, owner, mode and time of every package file from its header", () => {
    const pairs = packageFiles(headers, hello.entries);
    expect(pairs.length).toBeGreaterThan(400);
    const stateLayer = hello.image.layers.length - 1;
    const inPieces = pairs.filter(({ entry }) => entry.layer !== stateLayer);
    expect(
      inPieces.map(({ entry: { name, mode, mtime, uid, gid, type, sha256, target } }) => ({
        ...{ name, mode, mtime, uid, gid },
        is: type === "file" ? sha256 : type === "symlink" ? target : "",
      })),
    ).toEqual(
      inPieces.map(({ file, entry: { name, type } }) => ({
        ...{ name, mode: file.mode & 0o7777, mtime: file.mtimeSeconds, uid: 0, gid: 0 },
        is: type === "file" ? file.digest : type === "symlink" ? file.linkTarget : "",
      })),
    );
  });

  test("rpm's own verification of the unpacked image finds only what slimming left out", async () => {
    const root = path.join(scratch, "unpacked");
    await unpack(hello.output, hello.image, root);
    const sandbox = {
      root: here.tools.root,
      mounts: [{ source: root, target: "/image" }],
      capabilities: ["CAP_SYS_CHROOT"],
    };
    const rpm = ["rpm", "--root", "/image", "--dbpath", "/usr/lib/sysimage/rpm"];
    const query = await runInSandbox(sandbox, [...rpm, "-qa", "--qf", "%{nevra}\\n"]);
    expect(query.stdout.trim().split("\n").toSorted()).toEqual(
      headers.map(({ nevra }) => nevra).toSorted(),
    );
    const verify = await runInSandbox(
      sandbox,
      [...rpm, "--verify", "--all", "--nouser", "--nogroup"],
      { accept: [0, 1] },
    );
    const slimmed = new Set(
      hello.image.removed.filter(({ reason }) => reason === "slim").map(({ path }) => path),
    );
    const found = verify.stdout.split("\n").filter((line) => line !== "");
    expect(found.filter((line) => !slimmed.has(line.replace(/^missing\s+/, "").trim()))).toEqual(
      [],
    );
  });

  test("its provenance names that of every build", async () => {
    const own = hello.image.packages.filter(({ repository }) => repository === "cleanroom");
    expect(own.length).toBeGreaterThan(1);
    const text = await readFile(path.join(hello.output, "provenance.json"), "utf8");
    const { predicate } = JSON.parse(text) as {
      predicate: {
        buildDefinition: {
          resolvedDependencies: { name: string; digest?: { sha256: string } }[];
        };
      };
    };
    const named = new Map(
      predicate.buildDefinition.resolvedDependencies.map(({ name, digest }) => [name, digest]),
    );
    const generation = await currentGeneration(here.store);
    const published = new Map(generation?.packages.map((one) => [one.nevra, one.provenance]));
    for (const { nevra } of own) {
      expect(published.get(nevra)).toMatch(/^[0-9a-f]{64}$/);
      expect(named.get(`provenance of ${nevra}`)?.sha256).toBe(published.get(nevra));
    }
  });

  test("skopeo copies it, checking every digest, from the layout and from the archive", async () => {
    const layout = `oci:${hello.output}/oci`;
    const { stdout } = await run("skopeo", ["inspect", layout]);
    expect((JSON.parse(stdout) as { Digest: string }).Digest).toBe(hello.image.digest);
    const archive = path.join(scratch, "hello.tar");
    await saveImage({ logger: silentLogger }, hello.output, archive);
    const copies = path.join(scratch, "copies");
    for (const from of [layout, `oci-archive:${archive}`, `docker-archive:${archive}`]) {
      await run("skopeo", ["copy", "--insecure-policy", from, `oci:${copies}:x`]);
      await rm(copies, { recursive: true });
    }
  });

  test("is the same from another store, umask, time zone, locale and key", async () => {
    const folder = path.join(scratch, "elsewhere with a space");
    await mkdir(folder);
    const prelude = "umask 077; export TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8;";
    const request = await signedAgain(here, folder, hello.request);
    expect(request.repositories[0]?.digest).not.toBe(hello.request.repositories[0]?.digest);
    const digest = await buildElsewhere(request, folder, prelude);
    expect(digest).toBe(hello.image.digest);
  });

  test("killed with -9 at any moment, the next build gives the whole image", async () => {
    const folder = path.join(scratch, "killed");
    await mkdir(folder);
    for (const delayMs of [120, 400, 800, 1200, 1600, 2000, 2600, 3200]) {
      const started = start("node", programArguments(folder), {
        input: JSON.stringify({ ...programContext(), request: hello.request }),
      });
      await new Promise((resolve) => {
        setTimeout(resolve, delayMs);
      });
      started.kill();
      await started.ended;
      const output = path.join(folder, "output");
      const digest = await readFile(path.join(output, "oci/index.json"), "utf8").then(
        (index) => /"digest":"([^"]+)"/.exec(index)?.[1],
        () => "nothing yet",
      );
      expect(["nothing yet", hello.image.digest]).toContain(digest);
    }
    expect(await buildElsewhere(hello.request, folder, "")).toBe(hello.image.digest);
  });

  test("a build without a change leaves the output alone", async () => {
    const before = await stat(path.join(hello.output, "image.json"));
    const startedMs = performance.now();
    const again = await buildImage({ ...here, logger: silentLogger }, hello.request, {
      output: hello.output,
    });
    expect(performance.now() - startedMs).toBeLessThan(300);
    expect(again).toEqual(hello.image);
    expect((await stat(path.join(hello.output, "image.json"))).ino).toBe(before.ino);
  });
});

function programContext(): Pick<Surroundings, "tools" | "compressor"> {
  return { tools: here.tools, compressor: here.compressor };
}

function programArguments(folder: string): string[] {
  const program = fileURLToPath(import.meta.resolve("./image-composer-program.ts"));
  return [program, "build", path.join(folder, "store"), path.join(folder, "output")];
}

async function buildElsewhere(
  request: ImageRequest,
  folder: string,
  prelude: string,
): Promise<string> {
  const { stdout } = await run(
    "sh",
    ["-c", `${prelude} exec node "$@"`, "sh", ...programArguments(folder)],
    { input: JSON.stringify({ ...programContext(), request }) },
  );
  return stdout.trim();
}

/** All that rpm can put into a package, and a scriptlet that makes and changes files. */
const oddSpec = `
Name: odd
Version: 1.0
Release: 1
Summary: Unusual files
License: MIT
BuildArch: noarch
Requires: base-files
Provides: user(odd) group(odd)
%description
For tests.
%install
mkdir -p %{buildroot}/usr/share/odd/empty %{buildroot}/etc/odd %{buildroot}/usr/bin %{buildroot}/var/lib/odd
cd %{buildroot}/usr/share/odd
echo one > first; ln first second; ln first third
ln -s ../../../etc/odd/config link
ln -s /nowhere/at/all dangling
long=$(printf 'd%.0s' $(seq 1 90)); mkdir -p $long/$long; echo deep > $long/$long/file
echo umlaut > "$(printf 'gr\\303\\274n')"
echo space > "a name with spaces"
echo capable > %{buildroot}/usr/bin/capable
echo setuid > %{buildroot}/usr/bin/setuid
echo original > %{buildroot}/etc/odd/config
echo untouched > %{buildroot}/etc/odd/other
touch %{buildroot}/var/lib/odd/ghost %{buildroot}/var/lib/odd/never
: > zero
truncate -s 3000000 sparse
%post -p <lua>
local f = io.open("/etc/odd/config", "w"); f:write("changed\\n"); f:close()
f = io.open("/var/lib/odd/ghost", "w"); f:write("made\\n"); f:close()
f = io.open("/var/lib/odd/unowned", "w"); f:write("made\\n"); f:close()
%files
/usr/share/odd
%caps(cap_net_raw=ep) %attr(0755, root, root) /usr/bin/capable
%attr(4711, root, root) /usr/bin/setuid
%dir /etc/odd
%config(noreplace) /etc/odd/config
%config(noreplace) %attr(0640, odd, odd) /etc/odd/other
%dir %attr(2770, odd, odd) /var/lib/odd
%ghost %attr(0600, odd, odd) /var/lib/odd/ghost
%ghost /var/lib/odd/never
`;

const oddYaml = `
base: debian-trixie
packages: [odd]
accounts: { odd: { uid: 700 } }
slim: { files: [/usr/include/**] }
`;

describe("a package of unusual files", () => {
  let odd: Built;
  const entry = (name: string): LayerEntry => {
    const found = odd.entries.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };

  beforeAll(async () => {
    const folder = path.join(scratch, "made");
    await mkdir(folder);
    odd = await build(await madeRequest(here, folder, { odd: oddSpec }, oddYaml), "odd");
  });

  test("hard links are one file", () => {
    const names = ["first", "second", "third"].map((name) => `usr/share/odd/${name}`);
    const types = names.map((name) => entry(name).type).toSorted();
    expect(types).toEqual(["file", "link", "link"]);
    const file = names.find((name) => entry(name).type === "file");
    for (const name of names.filter((one) => one !== file)) expect(entry(name).target).toBe(file);
  });

  test("links lead where they led, also to nowhere", () => {
    expect(entry("usr/share/odd/link").target).toBe("../../../etc/odd/config");
    expect(entry("usr/share/odd/dangling").target).toBe("/nowhere/at/all");
  });

  test("long, spaced and accented names, empty files and directories", () => {
    const long = "d".repeat(90);
    expect(entry(`usr/share/odd/${long}/${long}/file`).size).toBe(5);
    expect(entry("usr/share/odd/a name with spaces").size).toBe(6);
    expect(entry("usr/share/odd/gr\u{FC}n").size).toBe(7);
    expect(entry("usr/share/odd/zero").size).toBe(0);
    expect(entry("usr/share/odd/sparse").size).toBe(3_000_000);
    expect(entry("usr/share/odd/empty").type).toBe("directory");
  });

  test("capabilities, setuid bits and owners", () => {
    // As Python reads the value's bytes; those over 0x7f do not occur in this one.
    expect(entry("usr/bin/capable").capability).toBe("0100000200200000000000000000000000000000");
    expect(entry("usr/bin/setuid").mode).toBe(0o4711);
    expect(entry("etc/odd/other")).toMatchObject({ uid: 700, gid: 700, mode: 0o640 });
    expect(entry("var/lib/odd")).toMatchObject({ uid: 700, gid: 700, mode: 0o2770 });
  });

  test("what a scriptlet made or changed is in the state layer, and nowhere else", () => {
    const state = odd.image.layers.length - 1;
    for (const name of ["etc/odd/config", "var/lib/odd/ghost", "var/lib/odd/unowned"]) {
      expect(entry(name).layer).toBe(state);
      expect(odd.entries.filter((one) => one.name === name)).toHaveLength(1);
    }
    expect(entry("var/lib/odd/ghost")).toMatchObject({ uid: 700, gid: 700 });
    expect(odd.entries.some(({ name }) => name === "var/lib/odd/never")).toBe(false);
    expect(entry("etc/odd/other").layer).not.toBe(state);
  });

  test("an unpacked package that was damaged is unpacked anew by the next run", async () => {
    const store = await Store.open(path.join(scratch, "damaged"), silentLogger);
    const { request } = odd;
    const context = { ...here, store, logger: silentLogger };
    const again = (): Promise<BuiltImage> =>
      buildImage(context, request, { output: path.join(scratch, "damaged-output") });
    await lockImage(context, request);
    await again();
    const [file = ""] = await Array.fromAsync(
      glob("layers/*/files/usr/share/odd/first", { cwd: store.folder }),
    );
    const { atime, mtime } = await stat(store.path(file));
    await writeFile(store.path(file), "oNe\n");
    await utimes(store.path(file), atime, mtime);
    // As if the image had never been made.
    await removeFolder(store.path("ac"));
    await expect(again()).rejects.toMatchObject({
      code: "packages-damaged",
      message: expect.stringContaining("/usr/share/odd/first") as string,
    });
    expect((await again()).digest).toBe(odd.image.digest);
  });

  test("one layer when the budget is one", async () => {
    await writeFile(
      path.join(odd.request.folder, "image.yaml"),
      `${oddYaml}layers: { budget: 1 }\n`,
    );
    const squashed = await build(odd.request, "squashed");
    expect(squashed.image.layers).toHaveLength(1);
    expect(names(squashed.entries)).toEqual(names(odd.entries));
    expect(squashed.entries).toHaveLength(names(squashed.entries).length);
  });

  test("zlib packs the same archives where the base has no libdeflate", async () => {
    const { compressor, ...rest } = here;
    expect(compressor).toBeDefined();
    await writeFile(path.join(odd.request.folder, "image.yaml"), oddYaml);
    const context = { ...rest, logger: silentLogger };
    await lockImage(context, odd.request);
    const image = await buildImage(context, odd.request, { output: path.join(scratch, "zlib") });
    expect(image.layers.map(({ diffId }) => diffId)).toEqual(
      odd.image.layers.map(({ diffId }) => diffId),
    );
    expect(image.digest).not.toBe(odd.image.digest);
  });

  test("zstd layers are read by others, too", async () => {
    await writeFile(path.join(odd.request.folder, "image.yaml"), `${oddYaml}compression: zstd\n`);
    const context = { ...here, logger: silentLogger };
    const output = path.join(scratch, "zstd");
    await lockImage(context, odd.request);
    const image = await buildImage(context, odd.request, { output });
    expect(image.layers[0]?.mediaType).toBe("application/vnd.oci.image.layer.v1.tar+zstd");
    expect(image.layers.map(({ diffId }) => diffId)).toEqual(
      odd.image.layers.map(({ diffId }) => diffId),
    );
    await run("skopeo", ["copy", "--insecure-policy", `oci:${output}/oci`, `dir:${scratch}/dir`]);
  });
});

describe("what does not go into an image", () => {
  test("a package that the repository's key has not signed", async () => {
    const folder = path.join(scratch, "signed");
    await mkdir(folder);
    const request = await madeRequest(here, folder, { odd: oddSpec }, oddYaml);
    const [own, base] = request.repositories;
    if (own === undefined || base === undefined) throw new Error("two repositories");
    const unsigned = await unsignedRepository(here, folder, path.join(folder, "rpms"));
    const forged = { ...own, location: { folder: unsigned }, digest: "unsigned" };
    await expect(
      lockImage({ ...here, logger: silentLogger }, { ...request, repositories: [forged, base] }),
    ).rejects.toMatchObject({ code: "signature-invalid" });
  });

  test("another build of a package than the locked one", async () => {
    const folder = path.join(scratch, "relocked");
    await mkdir(folder);
    const request = await madeRequest(here, folder, { odd: oddSpec }, oddYaml);
    const context = { ...here, logger: silentLogger };
    await lockImage(context, request);
    const lock = path.join(request.folder, "image.lock.yaml");
    const text = await readFile(lock, "utf8");
    await writeFile(
      lock,
      text.replace(/(nevra: odd-[^\n]*\n\s+sha256: )[0-9a-f]{64}/, `$1${"a".repeat(64)}`),
    );
    const output = path.join(scratch, "never");
    await expect(buildImage(context, request, { output })).rejects.toMatchObject({
      code: "image-lock-stale",
    });
    expect(await readdir(scratch)).not.toContain("never");
  });

  test("what the policy forbids, said with the way it came in", async () => {
    const folder = path.join(scratch, "policy");
    await mkdir(folder);
    const yaml = oddYaml + "policy: { forbid: { setuid: true } }\n";
    const request = await madeRequest(here, folder, { odd: oddSpec }, yaml);
    const context = { ...here, logger: silentLogger };
    await lockImage(context, request);
    const output = path.join(scratch, "never");
    await expect(buildImage(context, request, { output })).rejects.toThrow(
      "setuid or setgid file: /usr/bin/setuid [image -> odd]",
    );
  });
});

import { X509Certificate } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SPDX, Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { run, silentLogger, start, type StartedCommand } from "@cleanroom/core";
import {
  type BuiltImage,
  buildImage,
  type ImageRequest,
  imageKey,
  indexImages,
  lockImage,
  pushImage,
  saveImage,
  squashImage,
} from "@cleanroom/image-composer";
import { getPackagesSqlite } from "@snyk/rpm-parser";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianPrograms } from "./debian-programs.ts";
import { spdxSchema } from "./spdx-schema.ts";
import { madeRequest, type Surroundings, surroundings, unpack } from "./image-composer-fixture.ts";

/** An image as others see it: tools that are not ours, and that never saw rpm. */

let here: Surroundings;
let scratch: string;
let output: string;
let image: BuiltImage;
let request: ImageRequest;
let programs: ReadonlyMap<string, string>;

const spec = `
Name: seen
Version: 1.0
Release: 1
Summary: Something to look at
License: MIT
BuildArch: noarch
Requires: base-files bash
%description
For tests.
%install
mkdir -p %{buildroot}/usr/share/seen
echo seen > %{buildroot}/usr/share/seen/file
%files
/usr/share/seen
`;

const yaml = `
base: debian-trixie
packages: [seen, ca-certificates, tzdata]
certificates: true
timeZone: Europe/Berlin
locales: [de_DE.UTF-8, de_AT.UTF-8]
accounts: { user: { uid: 1000, home: /home/user } }
entrypoint: [/bin/bash]
user: user
slim: { docs: false, languages: [en_US], files: [/usr/include/**] }
`;

const context = (): Parameters<typeof buildImage>[0] => ({ ...here, logger: silentLogger });

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "outside-"));
  here = await surroundings(scratch);
  programs = await debianPrograms(here.store, path.join(scratch, "programs"), [
    ...["cosign", "docker-registry", "umoci"],
  ]);
  const folder = path.join(scratch, "made");
  await mkdir(folder);
  const made = await madeRequest(here, folder, { seen: spec }, yaml);
  request = { ...made, name: "seen" };
  output = path.join(scratch, "output");
  await lockImage(context(), request);
  image = await buildImage(context(), request, { output });
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

function program(name: string): string {
  return path.join(programs.get(name) ?? "", "usr/bin", name);
}

test("what profiles forbid is found in the files of all packages", async () => {
  const name = "no-terminal: forbid: libtinfo.so*";
  const matches = (capability: { readonly name: string }): boolean =>
    capability.name.startsWith("libtinfo.so");
  const asked = { ...request, forbid: [{ name, matches }] };
  const never = path.join(scratch, "never");
  await expect(buildImage(context(), asked, { output: never })).rejects.toThrow(
    `/usr/bin/bash needs libtinfo.so.6 (${name})`,
  );
});

test("umoci unpacks it, and finds the same tree as tar does", async () => {
  const bundle = path.join(scratch, "bundle");
  const layout = path.join(scratch, "layout");
  // umoci takes a name without slashes for a tag.
  await run("skopeo", [
    ...["copy", "--quiet", "--insecure-policy", `oci:${output}/oci`, `oci:${layout}:seen`],
  ]);
  await run(program("umoci"), ["unpack", "--rootless", "--image", `${layout}:seen`, bundle]);
  const root = path.join(scratch, "by-tar");
  await unpack(output, image, root);
  const trees = [path.join(bundle, "rootfs"), root];
  const { stdout } = await run("diff", ["--recursive", "--no-dereference", ...trees]);
  expect(stdout).toBe("");
});

test("the chosen certificates and time zone are where programs look", async () => {
  const root = path.join(scratch, "chosen");
  await unpack(output, image, root);
  const bundle = await readFile(path.join(root, "etc/ssl/cert.pem"), "utf8");
  const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  const parsed = (certificates ?? []).map((text) => new X509Certificate(text));
  expect(parsed.length).toBeGreaterThan(100);
  expect(parsed.every(({ ca }) => ca)).toBe(true);
  const { stdout } = await run("date", ["--date=@1700000000", "+%H:%M %Z"], {
    env: { PATH: "/usr/bin:/bin", TZ: `:${root}/etc/localtime` },
  });
  expect(stdout).toBe("23:13 CET\n");
});

test("the chosen locales are there, and what two have in common once", async () => {
  const root = path.join(scratch, "locales");
  await unpack(output, image, root);
  const folder = path.join(root, "usr/lib/locale");
  expect((await readdir(folder)).filter((name) => name !== "C.utf8")).toEqual([
    "de_AT.utf8",
    "de_DE.utf8",
  ]);
  const speak = async (locale: string): Promise<string> => {
    const { stdout } = await run("date", ["--utc", "--date=@1700000000", "+%A, %B %Ex"], {
      env: { PATH: "/usr/bin:/bin", LOCPATH: folder, LC_ALL: locale },
    });
    return stdout;
  };
  expect(await speak("de_DE.UTF-8")).toBe("Dienstag, November 14.11.2023\n");
  expect(await speak("de_AT.UTF-8")).toBe("Dienstag, November 2023-11-14\n");
  expect(await readlink(path.join(folder, "de_DE.utf8/LC_COLLATE"))).toBe(
    "../de_AT.utf8/LC_COLLATE",
  );
});

test.each(["de_XX.UTF-8", "de_DE.UTF-9"])("%s is refused with what there is", async (wanted) => {
  const folder = path.join(scratch, wanted);
  await mkdir(folder);
  const changed = yaml.replace("de_AT.UTF-8", wanted);
  const made = await madeRequest(here, folder, { seen: spec }, changed);
  await lockImage(context(), { ...made, name: "seen" });
  await expect(
    buildImage(context(), { ...made, name: "seen" }, { output: path.join(scratch, "never") }),
  ).rejects.toMatchObject({
    code: "locale-unknown",
    hint: expect.stringContaining("de_DE.UTF-8") as string,
  });
});

test("locales are refused where what the base names cannot compile any", async () => {
  const without = { ...context(), locales: () => Promise.resolve(here.compressor) };
  await expect(
    buildImage(without, request, { output: path.join(scratch, "never") }),
  ).rejects.toMatchObject({ code: "locales-unavailable" });
});

test("a reader of rpm databases that is not rpm lists the same packages", async () => {
  const root = path.join(scratch, "database");
  await unpack(output, image, root);
  const database = await readFile(path.join(root, "usr/lib/sysimage/rpm/rpmdb.sqlite"));
  const { response, error } = await getPackagesSqlite(database);
  expect(error).toBeUndefined();
  const seen = response
    .map(({ name, version, release, epoch, arch }) =>
      [
        name,
        `${epoch === undefined || epoch === 0 ? "" : `${epoch}:`}${version}-${release}.${arch}`,
      ].join("-"),
    )
    .toSorted();
  expect(seen).toEqual(image.packages.map(({ nevra }) => nevra.replace(/-0:/, "-")).toSorted());
});

test("a scanner finds its packages in the archive, and no rpm is there to help", async () => {
  const folder = path.join(scratch, "scanner");
  await cp(path.join(import.meta.dirname, "image-scanner"), folder, { recursive: true });
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
  const archive = path.join(scratch, "scanned.tar");
  await saveImage({ logger: silentLogger }, output, archive);
  const { stdout } = await run(process.execPath, ["scan.js", archive], { cwd: folder });
  const found = new Set(stdout.split("\n"));
  expect(image.packages.map(({ name }) => name)).not.toContain("rpm");
  expect(
    image.packages
      .map(({ nevra }) => /^(.+)-(\d+:)?([^-]+-[^-]+)\.[^.]+$/.exec(nevra))
      .map((parts) => `${parts?.[1]} ${parts?.[2] ?? ""}${parts?.[3]}`)
      .filter((line) => !found.has(line)),
  ).toEqual([]);
});

test("the CycloneDX SBOM is valid by CycloneDX's own schema", async () => {
  const text = await readFile(path.join(output, "sbom.cdx.json"), "utf8");
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(text)).toBeNull();
  // The judge is awake.
  expect(await validator.validate(text.replace('"CycloneDX"', '"Other"'))).not.toBeNull();
});

test("the SPDX SBOM has the shapes of SPDX 2.3", async () => {
  const text = await readFile(path.join(output, "sbom.spdx.json"), "utf8");
  const isValid = new Ajv({ allErrors: true }).compile(spdxSchema);
  isValid(JSON.parse(text));
  expect(isValid.errors).toBeNull();
  expect(isValid(JSON.parse(text.replace('"CC0-1.0"', '"MIT"')))).toBe(false);
});

/** What SPDX 2.3 asks beyond the shapes of its parts, in the clauses named. */
test("in the SPDX SBOM every reference leads somewhere, and every licence is one", async () => {
  const document = JSON.parse(
    await readFile(path.join(output, "sbom.spdx.json"), "utf8"),
  ) as SpdxDocument;
  const ids = document.packages.map(({ SPDXID }) => SPDXID);
  expect(new Set(ids).size).toBe(ids.length);
  // 7.2: letters, digits, dots and hyphens.
  expect(ids.filter((id) => !/^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toEqual([]);
  const known = new Set([document.SPDXID, ...ids]);
  const ends = document.relationships.flatMap((one) => [one.spdxElementId, one.relatedSpdxElement]);
  expect(ends.filter((id) => !known.has(id))).toEqual([]);
  // Annex D: identifiers of the list, or references that the document explains.
  const explained = new Set(
    (document.hasExtractedLicensingInfos ?? []).map(({ licenseId }) => licenseId),
  );
  const words = document.packages.flatMap(({ licenseDeclared }) =>
    licenseDeclared.split(/[\s()]+/).filter((word) => !/^(AND|OR|WITH|)$/.test(word)),
  );
  const isLicense = (word: string): boolean =>
    word === "NOASSERTION" ||
    explained.has(word) ||
    SPDX.isSupportedSpdxId(word) ||
    // The library's list has licences, and exceptions are on another one.
    /-exception(-\d+(\.\d+)*)?$/.test(word);
  expect([...new Set(words)].filter((word) => !isLicense(word))).toEqual([]);
});

interface SpdxDocument {
  readonly SPDXID: string;
  readonly packages: readonly { readonly SPDXID: string; readonly licenseDeclared: string }[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relatedSpdxElement: string;
  }[];
  readonly hasExtractedLicensingInfos?: readonly { readonly licenseId: string }[];
}

describe("a real registry (Debian's docker-registry)", () => {
  const address = "127.0.0.1:15055";
  const repository = `${address}/test/seen`;
  let registry: StartedCommand;

  beforeAll(async () => {
    const config = path.join(scratch, "registry.yaml");
    await writeFile(
      config,
      `version: 0.1\nstorage: { filesystem: { rootdirectory: ${scratch}/registry } }\nhttp: { addr: ${address} }\n`,
    );
    registry = start(program("docker-registry"), ["serve", config]);
    for (let attempt = 0; attempt < 100 && !(await isUp(address)); attempt += 1) await sleep(200);
    expect(await isUp(address)).toBe(true);
  });

  afterAll(async () => {
    registry.kill();
    await registry.ended;
  });

  test("takes the image once, and others pull it with its referrers", async () => {
    const first = await pushImage(context(), output, `${repository}:1`);
    expect(first.sentBytes).toBeGreaterThanOrEqual(image.compressedBytes);
    const second = await pushImage(context(), output, `${repository}:2`);
    expect(second.sentBytes).toBe(0);
    const { stdout } = await run("skopeo", [
      ...["inspect", "--tls-verify=false", `docker://${repository}:2`],
    ]);
    expect((JSON.parse(stdout) as { Digest: string }).Digest).toBe(image.digest);
    const referrers = await fetch(
      `http://${address}/v2/test/seen/manifests/${image.digest.replace(":", "-")}`,
      { headers: { accept: "application/vnd.oci.image.index.v1+json" } },
    );
    const { manifests } = (await referrers.json()) as { manifests: { artifactType: string }[] };
    expect(manifests.map(({ artifactType }) => artifactType)).toEqual([
      "application/spdx+json",
      "application/vnd.cyclonedx+json",
      "application/vnd.in-toto+json",
    ]);
  });

  test("a push goes on where its connection broke", async () => {
    // Cuts every connection after so many bytes, as often as it is told.
    const through = { bytes: 0, cuts: 2 };
    const proxy = await breakingProxy(
      address,
      () => {
        if (through.cuts === 0 || through.bytes < 3_000_000) return false;
        through.cuts -= 1;
        through.bytes = 0;
        return true;
      },
      (bytes) => {
        through.bytes += bytes;
      },
    );
    try {
      const { port } = proxy.address() as { port: number };
      const pushed = await pushImage(context(), output, `127.0.0.1:${port}/test/broken:1`);
      expect(pushed.digest).toBe(image.digest);
      expect(through.cuts).toBe(0);
    } finally {
      proxy.close();
    }
    await run("skopeo", [
      ...["copy", "--quiet", "--insecure-policy", "--src-tls-verify=false"],
      ...[`docker://${address}/test/broken:1`, `oci:${scratch}/broken:x`],
    ]);
  });

  test("cosign verifies what is signed, and nothing else", async () => {
    const key = await imageKey(here.publishing);
    const publicKey = path.join(scratch, "key.pub");
    await writeFile(publicKey, key.publicKey);
    const verify = [
      ...["verify", "--key", publicKey, "--insecure-ignore-tlog=true"],
      ...["--allow-insecure-registry"],
    ];
    const cosign = async (reference: string): Promise<number> => {
      const env = { PATH: "/usr/bin:/bin", HOME: scratch };
      return (await run(program("cosign"), [...verify, reference], { env, accept: [0, 1, 10, 12] }))
        .exitCode;
    };
    await pushImage(context(), output, `${address}/test/unsigned:1`);
    expect(await cosign(`${address}/test/unsigned:1`)).not.toBe(0);
    await pushImage(context(), output, `${address}/test/signed:1`, key);
    expect(await cosign(`${address}/test/signed:1`)).toBe(0);
    const others = await imageKey(here.store);
    await writeFile(publicKey, others.publicKey);
    expect(await cosign(`${address}/test/signed:1`)).not.toBe(0);
  });

  test("an index has an image for each platform, and tools choose theirs", async () => {
    const other = path.join(scratch, "other");
    await otherPlatform(output, other);
    const joined = path.join(scratch, "joined");
    const index = await indexImages("seen", [output, other], joined);
    const key = await imageKey(here.publishing);
    const pushed = await pushImage(context(), joined, `${repository}:all`, key);
    expect(pushed.digest).toBe(index.digest);
    const reference = `docker://${repository}:all`;
    for (const [arch, digest] of [
      ["amd64", image.digest],
      ["arm64", index.images[1]?.digest],
    ]) {
      const { stdout } = await run("skopeo", [
        ...["--override-arch", arch ?? "", "inspect", "--tls-verify=false"],
        ...["--format", "{{.Digest}} {{.Architecture}}", reference],
      ]);
      expect(stdout.trim().split(" ")[1]).toBe(arch);
      const raw = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", reference]);
      expect(raw.stdout).toContain(digest);
    }
    await run("skopeo", [
      ...["copy", "--quiet", "--all", "--insecure-policy", "--src-tls-verify=false"],
      ...[reference, `oci:${scratch}/all:x`],
    ]);
    await expect(indexImages("seen", [output, output], joined)).rejects.toMatchObject({
      code: "platform-twice",
    });
  });
});

/** A proxy that ends both sides of a connection when `breaks` says so. */
async function breakingProxy(
  address: string,
  breaks: () => boolean,
  sent: (bytes: number) => void,
): Promise<Server> {
  const [host = "", port] = address.split(":");
  const server = createServer((client) => {
    const registry = connect(Number(port), host);
    const end = (): void => {
      client.destroy();
      registry.destroy();
    };
    client.on("data", (data) => {
      sent(data.length);
      if (breaks()) end();
      else registry.write(data);
    });
    registry.on("data", (data) => client.write(data));
    for (const side of [client, registry]) side.on("close", end).on("error", end);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

async function isUp(address: string): Promise<boolean> {
  return fetch(`http://${address}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** The same image, described as one for arm64: what its programs are does not matter here. */
async function otherPlatform(from: string, to: string): Promise<void> {
  await run("cp", ["-r", from, to]);
  const record = path.join(to, "image.json");
  const blobs = path.join(to, "oci/blobs/sha256");
  const sum = async (text: string): Promise<string> => {
    const { stdout } = await run("sha256sum", ["-"], { input: text });
    const digest = stdout.slice(0, 64);
    await writeFile(path.join(blobs, digest), text);
    return digest;
  };
  const read = async (digest: string): Promise<string> =>
    readFile(path.join(blobs, digest.replace("sha256:", "")), "utf8");
  const config = await sum((await read(image.imageId)).replace('"amd64"', '"arm64"'));
  const manifest = await sum((await read(image.digest)).replace(image.imageId, `sha256:${config}`));
  await rm(record);
  await writeFile(
    record,
    JSON.stringify({
      ...image,
      ...{ arch: "aarch64", digest: `sha256:${manifest}`, imageId: `sha256:${config}` },
    }),
  );
}

describe("squash", () => {
  /** Three layers as a careless Dockerfile makes them, by tar and not by us. */
  async function careless(folder: string): Promise<string> {
    const script = `
set -e; cd "$1"; mkdir -p 1/etc 1/cache 1/links 2/etc 3/etc
head -c 3000000 /dev/zero > 1/cache/packages; echo one > 1/etc/config; echo kept > 1/etc/kept
echo linked > 1/links/a; ln 1/links/a 1/links/b; mkfifo 1/etc/pipe
echo two > 2/etc/config; : > 2/.wh.cache; echo replaced > 3/links-a
mkdir -p 3/links; echo replaced > 3/links/a; rm 3/links-a
for layer in 1 2 3; do tar -C $layer --sort=name --owner=7 --group=8 --numeric-owner -cf $layer.tar .; gzip -nk $layer.tar; done`;
    await mkdir(folder, { recursive: true });
    await run("sh", ["-c", script, "sh", folder]);
    const blobs = path.join(folder, "layout/blobs/sha256");
    await mkdir(blobs, { recursive: true });
    const digest = async (file: string): Promise<string> =>
      (await run("sha256sum", [file])).stdout.slice(0, 64);
    const take = async (file: string): Promise<{ digest: string; size: number }> => {
      const sum = await digest(file);
      await run("cp", [file, path.join(blobs, sum)]);
      return { digest: `sha256:${sum}`, size: (await readFile(file)).length };
    };
    const put = async (value: unknown): Promise<{ digest: string; size: number }> => {
      await writeFile(path.join(folder, "json"), JSON.stringify(value));
      return take(path.join(folder, "json"));
    };
    const layers: object[] = [];
    const diffIds: string[] = [];
    for (const layer of [1, 2, 3]) {
      diffIds.push(`sha256:${await digest(path.join(folder, `${layer}.tar`))}`);
      layers.push({
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        ...(await take(path.join(folder, `${layer}.tar.gz`))),
      });
    }
    const config = await put({
      ...{ architecture: "amd64", os: "linux", config: { Cmd: ["/bin/true"], User: "9" } },
      rootfs: { type: "layers", diff_ids: diffIds },
    });
    const manifest = await put({
      ...{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", layers },
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    });
    const index = {
      schemaVersion: 2,
      manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", ...manifest }],
    };
    await writeFile(path.join(folder, "layout/index.json"), JSON.stringify(index));
    await writeFile(path.join(folder, "layout/oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    return path.join(folder, "layout");
  }

  test("any image becomes one layer, keeps its configuration, and what was hidden is said", async () => {
    const folder = path.join(scratch, "careless");
    const layout = await careless(folder);
    const archive = path.join(scratch, "squashed.tar");
    const squashed = await squashImage(context(), layout, "careless", archive);
    expect(squashed.hidden).toMatchObject([
      { path: "cache/packages", sizeBytes: 3_000_000, layer: 0, by: 1, how: "deleted" },
      { path: "links/a", layer: 0, by: 2, how: "overwritten" },
      { path: "etc/config", layer: 0, by: 1, how: "overwritten" },
    ]);
    const { stdout } = await run("skopeo", ["inspect", "--config", `oci-archive:${archive}`]);
    const config = JSON.parse(stdout) as { config: unknown; rootfs: { diff_ids: string[] } };
    expect(config.config).toEqual({ Cmd: ["/bin/true"], User: "9" });
    expect(config.rootfs.diff_ids).toHaveLength(1);
    const unpacked = async (from: string, name: string): Promise<string> => {
      const copy = path.join(scratch, `${name}-copy`);
      await run("skopeo", ["copy", "--quiet", "--insecure-policy", from, `oci:${copy}:x`]);
      const target = path.join(scratch, name);
      await run(program("umoci"), ["raw", "unpack", "--rootless", "--image", `${copy}:x`, target]);
      return target;
    };
    const before = await unpacked(`oci:${layout}`, "careless-before");
    const after = await unpacked(`oci-archive:${archive}`, "careless-after");
    const list = async (root: string): Promise<string> =>
      (
        await run("sh", [
          ...[
            "-c",
            `cd "$1"; find . -printf '%P %y %m %s\\n' | sort; cat etc/config etc/kept links/*`,
            "sh",
            root,
          ],
        ])
      ).stdout.replaceAll(/ d (\d+) \d+/g, " d $1");
    expect(await list(after).catch(String)).toBe(await list(before).catch(String));
    expect(await readFile(path.join(after, "links/b"), "utf8")).toBe("linked\n");
  });

  test("layers of several zstd frames are read whole", async () => {
    const folder = path.join(scratch, "framed");
    await mkdir(folder);
    const made = await madeRequest(here, folder, { seen: spec }, `${yaml}compression: zstd\n`);
    const framed = path.join(scratch, "framed-output");
    await lockImage(context(), made);
    const before = await buildImage(context(), made, { output: framed });
    const archive = path.join(scratch, "framed.tar");
    const squashed = await squashImage(context(), path.join(framed, "oci"), "framed", archive);
    expect(squashed.layers).toBe(before.layers.length);
    expect(squashed.unpackedBytes.before).toBe(before.unpackedBytes);
    expect(squashed.hidden).toEqual([]);
  });

  test("an image of our own hides nothing", async () => {
    const archive = path.join(scratch, "own.tar");
    const squashed = await squashImage(context(), path.join(output, "oci"), "own", archive);
    expect(squashed.layers).toBe(image.layers.length);
    expect(squashed.hidden).toEqual([]);
    const again = await squashImage(context(), archive, "own", path.join(scratch, "again.tar"));
    expect(again.layers).toBe(1);
    await run("podman", ["load", "--quiet", "--input", archive]);
    await run("podman", ["rmi", "--force", "localhost/own:latest"]);
  });
});

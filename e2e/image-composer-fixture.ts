import { cp, glob, mkdir, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import path from "node:path";
import {
  defaultStoreFolder,
  run,
  runInSandbox,
  sha256,
  silentLogger,
  Store,
  type Tools,
} from "@cleanroom/core";
import type { BuiltImage, ImageRequest } from "@cleanroom/image-composer";
import { currentGeneration, publish, signingKey } from "@cleanroom/repo-publisher";
import { readRpmHeader, type RpmHeader } from "rpm-parser";
import { buildPackages, createrepo, importedBase } from "./repo-publisher-fixture.ts";

/** What the tests of images work with. */
export interface Surroundings {
  /** The user's, with its base. */
  readonly store: Store;
  /** The test's own, for what is published for it. */
  readonly publishing: Store;
  readonly tools: Tools;
  readonly compressor: Tools | undefined;
  readonly locales: () => Promise<Tools | undefined>;
  readonly base: ImageRequest["repositories"][number];
}

export async function surroundings(scratch: string): Promise<Surroundings> {
  const store = await Store.open(defaultStoreFolder(process.env), silentLogger);
  const base = await importedBase();
  return {
    store,
    publishing: await Store.open(path.join(scratch, "publishing"), silentLogger),
    tools: base.tools,
    compressor: base.compressor,
    locales: base.locales,
    base: {
      id: "debian-trixie",
      location: { folder: base.repository },
      priority: 99,
      digest: base.digest,
    },
  };
}

/** The request for an image of this workspace, on what was published last. */
export async function workspaceRequest(
  { store, tools, base }: Surroundings,
  name: string,
  folder: string,
): Promise<ImageRequest> {
  const generation = await currentGeneration(store);
  if (generation === undefined) throw new Error("nothing has been published");
  const key = await signingKey({ store, tools, logger: silentLogger });
  const own = {
    id: "cleanroom",
    location: { folder: generation.folder },
    priority: 1,
    digest: generation.id,
    publicKey: key.publicKey,
  };
  return { name, folder, arch: "x86_64", repositories: [own, base] };
}

/** The same request on the same packages, signed by a new key of another store. */
export async function signedAgain(
  { store, tools }: Surroundings,
  folder: string,
  request: ImageRequest,
): Promise<ImageRequest> {
  const generation = await currentGeneration(store);
  const packages = await Promise.all(
    (generation?.packages ?? []).map(async ({ unsignedSha256, nevra }) => {
      const file = await store.blob(unsignedSha256);
      if (file === undefined) throw new Error(`the store lacks the unsigned ${nevra}`);
      return { file, sha256: unsignedSha256 };
    }),
  );
  const elsewhere = await Store.open(path.join(folder, "store"), silentLogger);
  const context = { store: elsewhere, tools, logger: silentLogger };
  const again = await publish({ ...context, packages });
  const { publicKey } = await signingKey(context);
  const own = { location: { folder: again.folder }, digest: again.id, publicKey };
  return {
    ...request,
    repositories: request.repositories.map((one) =>
      one.id === "cleanroom" ? { ...one, ...own } : one,
    ),
  };
}

/** An image of packages made for the test: its folder, and a signed repository. */
export async function madeRequest(
  { publishing, tools, base }: Surroundings,
  folder: string,
  specs: Readonly<Record<string, string>>,
  yaml: string,
): Promise<ImageRequest> {
  const packages = await buildPackages(tools, folder, specs);
  const context = { store: publishing, tools, logger: silentLogger };
  const repository = `test-${sha256(folder).slice(0, 8)}`;
  const generation = await publish({ ...context, repository, packages });
  const { publicKey } = await signingKey(context);
  const image = path.join(folder, "image");
  await mkdir(image, { recursive: true });
  await writeFile(path.join(image, "image.yaml"), yaml);
  const own = {
    id: "test",
    location: { folder: generation.folder },
    priority: 1,
    digest: generation.id,
    publicKey,
  };
  return { name: "made", folder: image, arch: "x86_64", repositories: [own, base] };
}

/** A repository of unsigned packages. */
export async function unsignedRepository(
  { tools }: Surroundings,
  folder: string,
  from: string,
): Promise<string> {
  const repository = path.join(folder, "unsigned");
  await cp(from, repository, { recursive: true });
  await createrepo(tools, repository);
  return repository;
}

/** An entry of a layer, as Python's tarfile reads it. */
export interface LayerEntry {
  readonly layer: number;
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "link" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly target: string;
  /** Of a regular file. */
  readonly sha256: string;
  /** Value of `security.capability`, in hexadecimal. */
  readonly capability: string;
}

const reader = `
import hashlib, json, sys, tarfile
kinds = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "link"}
for index, digest in enumerate(sys.argv[1:]):
    with tarfile.open("/layout/blobs/sha256/" + digest, "r:*") as archive:
        for one in archive:
            content = hashlib.sha256(archive.extractfile(one).read()).hexdigest() if one.isreg() else ""
            capability = one.pax_headers.get("SCHILY.xattr.security.capability", "")
            print(json.dumps({
                "layer": index, "name": one.name, "type": kinds.get(one.type, "other"), "mode": one.mode,
                "uid": one.uid, "gid": one.gid, "size": one.size, "mtime": int(one.mtime), "target": one.linkname,
                "sha256": content, "capability": capability.encode("utf-8", "surrogateescape").hex(),
            }))
`;

/** All entries of an image's layers, read by a program that is not ours. */
export async function layerEntries(
  { tools }: Surroundings,
  output: string,
  image: BuiltImage,
): Promise<readonly LayerEntry[]> {
  const { stdout } = await runInSandbox(
    { root: tools.root, mounts: [{ source: path.join(output, "oci"), target: "/layout" }] },
    ["python3", "-c", reader, ...image.layers.map(({ digest }) => digest.replace("sha256:", ""))],
  );
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LayerEntry);
}

/** The headers of an image's packages, from the repositories they came from. */
export async function headersOf(
  request: ImageRequest,
  image: BuiltImage,
): Promise<readonly RpmHeader[]> {
  const wanted = new Map(image.packages.map(({ sha256: digest, nevra }) => [digest, nevra]));
  const names = new Set(image.packages.map(({ name }) => name));
  const headers: RpmHeader[] = [];
  for (const { location } of request.repositories) {
    if (!("folder" in location)) continue;
    // `Packages` may be a link, which only a name at the start follows.
    for await (const file of glob("Packages/**/*.rpm", { cwd: location.folder })) {
      const [, name = ""] = /^(.+)-[^-]+-[^-]+\.rpm$/.exec(path.basename(file)) ?? [];
      if (!names.has(name)) continue;
      const header = await readRpmHeader(createReadStream(path.join(location.folder, file)));
      if (wanted.delete(header.headerSha256)) headers.push(header);
    }
  }
  if (wanted.size > 0) throw new Error(`not found: ${[...wanted.values()].join(" ")}`);
  return headers;
}

/** Unpacks an image's layers with GNU tar, as root, the way an engine stacks them. */
export async function unpack(output: string, image: BuiltImage, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const { digest } of image.layers) {
    const blob = path.join(output, "oci/blobs", digest.replace(":", "/"));
    await run("tar", [
      ...["--extract", "--gzip", "--file", blob, "--directory", target],
      ...["--same-permissions", "--numeric-owner", "--delay-directory-restore"],
    ]);
  }
}

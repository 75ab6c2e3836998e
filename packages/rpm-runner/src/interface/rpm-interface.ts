import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  type ElfInterface,
  findCommand,
  type Json,
  readElfInterface,
  run,
  runInSandbox,
  type Sha256,
  sha256Json,
  type Store,
} from "@cleanroom/core";
import { hostProgramSandbox } from "../host-program.ts";
import { type HeaderDependency, openRpmPackage, readPayload, type RpmHeader } from "rpm-parser";

/** Raised when {@link interfaceOfRpm} looks at more, or otherwise. */
const interfaceEpoch = 1;

/**
 * The digest of all that a build can read of a package in its build root: the content of every file
 * (headers, .pc, .gir and .vapi files, static libraries, programs), and of shared libraries their
 * interface instead: names, symbols with versions, and the layout of their types where they tell
 * it. What the package asks for and offers counts, its own release and the times of its files do
 * not. Documentation is in no build root.
 *
 * Read once for each package, and kept in the store.
 */
export async function interfaceOfRpm(store: Store, rpm: Sha256): Promise<Sha256> {
  const layouts = await layoutTool();
  const key = sha256Json({ action: "rpm-interface", epoch: interfaceEpoch, rpm, layouts });
  const known = (await store.action(key))?.facts["interface"];
  if (typeof known === "string") return known;
  const digest = sha256Json(await readInterface(store, rpm, layouts));
  await store.putAction(key, { outputs: [], facts: { interface: digest } });
  return digest;
}

async function readInterface(store: Store, rpm: Sha256, layouts: string): Promise<Json> {
  const file = await store.blob(rpm);
  if (file === undefined) throw new CleanroomError("blob-missing", `the store lacks ${rpm}`);
  const opened = await openRpmPackage(createReadStream(file));
  try {
    const libraries = new Map<string, Json>();
    for await (const { file: entry, links, data } of readPayload(opened)) {
      if (!isLibraryName(entry.path)) continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of data) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const found = readElfInterface(bytes);
      if (found === undefined) continue;
      const described = await describeLibrary(store, bytes, found, layouts);
      for (const one of [entry, ...links]) libraries.set(one.path, described);
    }
    return describeHeader(opened.header, libraries);
  } finally {
    await opened.close();
  }
}

function isLibraryName(file: string): boolean {
  return /\.so(?:\.[\w.+-]+)?$/.test(file);
}

async function describeLibrary(
  store: Store,
  bytes: Buffer,
  { soname, needed, symbols, hasDebugInfo }: ElfInterface,
  layouts: string,
): Promise<Json> {
  const layout = hasDebugInfo && layouts !== "" ? await layoutOf(store, bytes) : undefined;
  return { soname, needed, symbols, ...(layout === undefined ? {} : { layout }) };
}

function describeHeader(header: RpmHeader, libraries: ReadonlyMap<string, Json>): Json {
  const { name, arch, version } = header;
  const own = `${version}-${header.release}`;
  const described = (list: readonly HeaderDependency[]): Json =>
    list.map((one) => [
      one.name,
      one.operator ?? "",
      // Its own release says nothing of what it is.
      (one.evr ?? "").replace(own, version),
      one.qualifiers,
    ]);
  const { provides, requires, conflicts, obsoletes, scriptlets, triggers } = header;
  return {
    ...{ name, arch, epoch: header.epoch, version },
    files: header.files
      .filter(({ flags }) => !flags.includes("doc"))
      .map(({ path: file, mode, linkTarget, digest }) => [
        ...[file, mode, linkTarget],
        libraries.get(file) ?? digest,
      ]),
    provides: described(provides),
    requires: described(requires),
    conflicts: described(conflicts),
    obsoletes: described(obsoletes),
    scripts: JSON.parse(JSON.stringify([scriptlets, triggers])) as Json,
  };
}

let foundLayoutTool: Promise<string> | undefined;

/** What `abidw --version` says (libabigail); empty where the machine has none. */
function layoutTool(): Promise<string> {
  return (foundLayoutTool ??=
    // Most machines have none, which is told faster than it is to start what is not there.
    findCommand("abidw") === undefined
      ? Promise.resolve("")
      : run("abidw", ["--version"]).then(
          ({ stdout }) => stdout.trim(),
          () => "",
        ));
}

/** The types that a library's debug information describes, as abidw writes them. */
async function layoutOf(store: Store, bytes: Buffer): Promise<string> {
  return store.withTemporaryFolder("abidw", async (folder) => {
    await writeFile(path.join(folder, "library.so"), bytes);
    const { stdout } = await runInSandbox(
      hostProgramSandbox([{ source: folder, target: "/library" }]),
      ["abidw", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "/library/library.so"],
      { step: "abidw" },
    );
    return sha256Json(stdout);
  });
}

import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  pathExists,
  run,
  runInSandbox,
  sha256File,
  sha256Json,
  type Store,
} from "@cleanroom/core";
import type { StackPackage } from "@cleanroom/spec-strip";
import type { SourceInput } from "../sources.ts";

const archiveName = /\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz|zip)$/;

/** Folders in which version control keeps its own. */
const versionControl = new Set([".git", ".hg", ".svn", ".bzr"]);

/**
 * The sources of a package with a local checkout in the place of upstream's: of the first one that
 * is an archive, else of those of which the checkout has a file by the same name.
 *
 * @param root the build root, which has what unpacks the archive
 * @param folder an empty one, for the archive that is made
 * @throws {CleanroomError} `checkout-unusable`
 */
export async function withCheckout(
  store: Store,
  root: string,
  entry: StackPackage,
  sources: readonly SourceInput[],
  checkout: string,
  folder: string,
): Promise<readonly SourceInput[]> {
  const named = entry.model.sources.find(({ fileName }) => archiveName.test(fileName));
  const archive = sources.find(({ file }) => file === named?.fileName);
  if (archive !== undefined) {
    await mkdir(folder, { recursive: true });
    const top = await topFolder(store, root, entry, archive);
    await packCheckout(root, checkout, path.join(folder, archive.file), top);
    const local = path.join(folder, archive.file);
    const packed = { file: archive.file, sha256: await sha256File(local), origin: { local } };
    return sources.map((source) => (source === archive ? packed : source));
  }
  const replaced = await Promise.all(
    sources.map(async (source) => {
      const local = path.join(checkout, source.file);
      if (!(await pathExists(local))) return source;
      return { file: source.file, sha256: await sha256File(local), origin: { local } };
    }),
  );
  if (replaced.some((source, index) => source !== sources[index])) return replaced;
  const files = sources.map(({ file }) => file).join(", ");
  throw new CleanroomError(
    "checkout-unusable",
    `nothing in it stands for a source of ${entry.name} (${files})`,
    { place: { file: checkout }, exitCode: 2, hint: "--source DIR is the folder of its sources" },
  );
}

/** The folder that all of an archive is in, as `%setup` expects it; undefined where there is none. */
async function topFolder(
  store: Store,
  root: string,
  { name, model }: StackPackage,
  { file, sha256, origin }: SourceInput,
): Promise<string | undefined> {
  // tar cannot read it; as a rule it has the usual one.
  if (file.endsWith(".zip")) return `${model.name}-${model.version}`;
  const key = sha256Json(["top-folder", sha256]);
  const known = (await store.action(key))?.facts["top"];
  if (typeof known === "string") return known === "" ? undefined : known;
  const source = "local" in origin ? origin.local : await store.blob(sha256);
  if (source === undefined) throw new CleanroomError("blob-missing", `the store lacks ${file}`);
  const { stdout } = await runInSandbox(
    { root, mounts: [{ source, target: "/archive" }] },
    ["tar", "--list", "--file=/archive"],
    { step: `${name}: ${file}` },
  );
  const tops = new Set(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^(?:\.\/)+/, "").split("/")[0] ?? ""),
  );
  tops.delete("");
  const [first, ...others] = tops;
  const top = first !== undefined && others.length === 0 ? first : undefined;
  await store.putAction(key, { outputs: [], facts: { top: top ?? "" } });
  return top;
}

async function packCheckout(
  root: string,
  checkout: string,
  archive: string,
  top: string | undefined,
): Promise<void> {
  const prefix = top === undefined ? "" : `${top.replaceAll(/[\\&,]/g, String.raw`\$&`)}/`;
  await runInSandbox(
    {
      root,
      mounts: [
        { source: checkout, target: "/checkout" },
        { source: path.dirname(archive), target: "/made", writable: true },
      ],
    },
    [
      ...["tar", "--create", `--file=/made/${path.basename(archive)}`, "--directory=/checkout"],
      // Not the targets of symbolic links.
      ...["--null", "--files-from=-", `--transform=s,^,${prefix},S`],
    ],
    {
      step: "pack the checkout",
      input: (await filesOf(checkout)).map((name) => `${name}\0`).join(""),
    },
  );
}

/**
 * What of a checkout is source: where git keeps it, what is committed or could be; elsewhere
 * everything.
 */
async function filesOf(checkout: string): Promise<readonly string[]> {
  if (!(await pathExists(path.join(checkout, ".git")))) {
    return (await readdir(checkout)).filter((name) => !versionControl.has(name)).toSorted();
  }
  const list = async (...args: readonly string[]): Promise<readonly string[]> => {
    // The checkout's own settings could name a program to ask what has changed.
    const git = ["-C", checkout, "-c", "core.fsmonitor=false", "ls-files", "-z", ...args];
    const { stdout } = await run("git", git, {
      step: `list what is in ${checkout}`,
    });
    return stdout.split("\0").filter((name) => name !== "");
  };
  const gone = new Set(await list("--deleted"));
  const all = await list("--cached", "--others", "--exclude-standard");
  return [...new Set(all)].filter((name) => !gone.has(name)).toSorted();
}

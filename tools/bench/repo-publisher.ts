// Publishing beside createrepo_c, and serving beside nginx, on synthetic packages:
//   node tools/bench/repo-publisher.ts [--packages 10000] [--runs 3] [--no-publish] [--no-serve]
// Needs a tools root in the user's store (import a base first); nginx and curl for serving. Each figure
// is the median of whole processes, ours and the peer's in turn. Works in a folder of its own under
// the system's temporary folder, whose file system should be the one that matters.
import { chmod, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  defaultStoreFolder,
  run,
  runInSandbox,
  silentLogger,
  Store,
  type Tools,
} from "@cleanroom/core";
import type { PackageToPublish } from "@cleanroom/repo-publisher";
import { bundle } from "../bundle.ts";
import { benchServing } from "./repo-serving.ts";
import { report, type Times } from "./side-by-side.ts";
import type { Work } from "./repo-publisher-child.ts";
import { makePackages } from "./synthetic-packages.ts";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    packages: { type: "string", default: "10000" },
    runs: { type: "string", default: "3" },
    publish: { type: "boolean", default: true },
    serve: { type: "boolean", default: true },
  },
});
const packageCount = Number(values.packages);
const runs = Number(values.runs);

/** As the launcher has it. */
const nodeOptions = ["--max-semi-space-size=16"];

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "bench-publisher-"));
  try {
    // nginx's workers are another user.
    await chmod(folder, 0o755);
    if (values.publish) await benchPublishing(folder);
    if (values.serve) await benchServing(folder, runs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function toolsRoot(): Promise<Tools> {
  const roots = path.join(defaultStoreFolder(process.env), "roots");
  const name = (await readdir(roots)).find((one) => one.startsWith("tools-"));
  if (name === undefined) throw new Error(`no tools root in ${roots}: import a base first`);
  return { root: path.join(roots, name), digest: name.slice("tools-".length) };
}

async function benchPublishing(folder: string): Promise<void> {
  const tools = await toolsRoot();
  const store = await Store.open(path.join(folder, "store"), silentLogger);
  const repository = path.join(folder, "repository");
  const packages = await makePackages(tools, store, repository, packageCount + 1);
  const last = path.join(repository, lastOf(await readdir(repository)));
  const aside = path.join(folder, "last.rpm");
  const first: Times = { ours: [], peer: [] };
  const more: Times = { ours: [], peer: [] };
  const less: Times = { ours: [], peer: [] };
  let memoryMiB = 0;
  // As the launcher has it.
  const program = path.join(folder, "program");
  await bundle({ child: path.join(import.meta.dirname, "repo-publisher-child.ts") }, program);
  const publishing = async (some: readonly PackageToPublish[]): Promise<number> => {
    const work: Work = { store: store.folder, tools, packages: some };
    const workFile = path.join(folder, "work.json");
    await writeFile(workFile, JSON.stringify(work));
    const child = [...nodeOptions, path.join(program, "child.js"), workFile];
    const { durationMs, stdout } = await run(process.execPath, child, { step: "publish" });
    memoryMiB = Math.max(memoryMiB, Number(stdout));
    return durationMs;
  };
  // As the launcher has it; and the key is made once.
  process.env["NODE_COMPILE_CACHE"] ??= path.join(folder, "compiled");
  await publishing(packages.slice(0, 1));
  for (let round = 0; round < runs; round++) {
    await rename(last, aside);
    for (const name of ["repos/cleanroom", "ac"]) await rm(store.path(name), { recursive: true });
    await rm(path.join(repository, "repodata"), { recursive: true, force: true });
    first.peer.push(await createrepo(tools, repository));
    first.ours.push(await publishing(packages.slice(0, -1)));
    await rename(aside, last);
    more.peer.push(await createrepo(tools, repository, "--update"));
    more.ours.push(await publishing(packages));
    await rename(last, aside);
    less.peer.push(await createrepo(tools, repository, "--update"));
    less.ours.push(await publishing(packages.slice(1)));
    await rename(aside, last);
  }
  report(`first publishing of ${packageCount} packages`, "createrepo_c", first);
  report("one package more", "createrepo_c --update", more);
  report("one package less", "createrepo_c --update", less);
  console.log(`memory: ${memoryMiB} MiB at most`);
}

function lastOf(names: readonly string[]): string {
  return names.toSorted().at(-1) ?? "";
}

async function createrepo(
  tools: Tools,
  folder: string,
  ...more: readonly string[]
): Promise<number> {
  const { durationMs } = await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/repository", writable: true }] },
    ["createrepo_c", "--quiet", "--general-compress-type=zstd", ...more, "/repository"],
  );
  return durationMs;
}

await main();

// One publishing in a process of its own, for repo-publisher.ts: only what publishing needs is loaded.
// What to publish is in a file: a pipe of megabytes would count as publishing.
import { readFileSync } from "node:fs";
import { silentLogger, Store, type Tools } from "@cleanroom/core";
import { type PackageToPublish, publish } from "@cleanroom/repo-publisher";

export interface Work {
  readonly store: string;
  readonly tools: Tools;
  readonly packages: readonly PackageToPublish[];
}

const {
  store: folder,
  tools,
  packages,
} = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Work;
const store = await Store.open(folder, silentLogger);
await publish({ store, tools, packages, logger: silentLogger, signPackages: false });
// How much memory that took at most, in MiB.
process.stdout.write(String(Math.round(process.resourceUsage().maxRSS / 1024)));

// A publisher in a process of its own, for tests that kill it:
//   node repo-publisher-program.ts STORE TOOLS-ROOT RPM...
import path from "node:path";
import { sha256File, silentLogger, Store } from "@cleanroom/core";
import { publish } from "@cleanroom/repo-publisher";

const [storeFolder = "", root = "", ...files] = process.argv.slice(2);
const store = await Store.open(storeFolder, silentLogger);
await publish({
  store,
  tools: { root, digest: path.basename(root).replace(/^tools-/, "") },
  logger: silentLogger,
  packages: await Promise.all(
    files.map(async (file) => ({ file, sha256: await sha256File(file) })),
  ),
});

// Builds an image in a process of its own, for tests that change its surroundings or kill it:
//   node image-composer-program.ts STORE OUTPUT < {tools, request}
// Prints the manifest's digest.
import { text } from "node:stream/consumers";
import { silentLogger, Store, type Tools } from "@cleanroom/core";
import { buildImage, type ImageRequest } from "@cleanroom/image-composer";

const [storeFolder = "", output = ""] = process.argv.slice(2);
const { tools, request } = JSON.parse(await text(process.stdin)) as {
  tools: Tools;
  request: ImageRequest;
};
const store = await Store.open(storeFolder, silentLogger);
const image = await buildImage({ store, tools, logger: silentLogger }, request, { output });
process.stdout.write(`${image.digest}\n`);

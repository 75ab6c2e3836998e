// Builds an image in a process of its own, for tests that change its surroundings or kill it:
//   node image-composer-program.ts build STORE OUTPUT < {tools, compressor, request}
// and prints the manifest's digest. With `run` in place of `build` it runs the image in OUTPUT.
import { text } from "node:stream/consumers";
import { silentLogger, Store, type Tools } from "@cleanroom/core";
import { buildImage, type ImageRequest, runImage } from "@cleanroom/image-composer";

const [mode, storeFolder = "", output = ""] = process.argv.slice(2);
const { tools, compressor, request } = JSON.parse(await text(process.stdin)) as {
  tools: Tools;
  compressor?: Tools;
  request: ImageRequest;
};
const store = await Store.open(storeFolder, silentLogger);
const context = { store, tools, compressor, logger: silentLogger };
if (mode === "run") {
  await runImage(context, { name: request.name, folder: output });
} else {
  const image = await buildImage(context, request, { output });
  process.stdout.write(`${image.digest}\n`);
}

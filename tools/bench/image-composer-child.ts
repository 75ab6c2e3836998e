// One composition in a process of its own, for image-composer.ts: only what composing needs is loaded.
import { text } from "node:stream/consumers";
import { silentLogger, Store, type Tools } from "@cleanroom/core";
import { buildImage, type ImageRequest, lockImage } from "@cleanroom/image-composer";

export interface Work {
  readonly store: string;
  readonly output: string;
  readonly tools: Tools;
  readonly compressor: Tools | undefined;
  readonly request: ImageRequest;
  readonly lock: boolean;
}

const work = JSON.parse(await text(process.stdin)) as Work;
const store = await Store.open(work.store, silentLogger);
const { tools, compressor } = work;
const context = { store, tools, compressor, logger: silentLogger };
if (work.lock) await lockImage(context, work.request);
const image = await buildImage(context, work.request, { output: work.output });
process.stdout.write(
  JSON.stringify({ packages: image.packages.length, bytes: image.compressedBytes }),
);

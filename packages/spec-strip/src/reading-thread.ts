// One of the threads of readPackages: reads its share, and hands over what it worked out.
import { parentPort, workerData } from "node:worker_threads";
import { type Learnt, programMemory } from "@cleanroom/core";
import { PackageFolderReader } from "./read-package.ts";
import { readShare, type SharedReading } from "./read-packages.ts";

/** So many values go in one message. */
const batchSize = 50;

let learnt: Learnt[] = [];

function send(): void {
  // A thread's, not a window's.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(learnt);
  learnt = [];
}

programMemory.handOver((one) => learnt.push(one));
const reading = workerData as SharedReading;
const reader = new PackageFolderReader(reading.workspace, reading.options);
await readShare(reading, reader, () => {
  if (learnt.length >= batchSize) send();
});
send();

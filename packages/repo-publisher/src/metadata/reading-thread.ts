// One of the threads of PackageReader: answers what it is asked.
import { parentPort, workerData } from "node:worker_threads";
import { Answerer, type Question } from "./question.ts";

const answerer = new Answerer(workerData as string);

parentPort?.on("message", (question: Question) => {
  const answer = answerer.answer(question);
  // Handed over, not copied.
  const texts =
    "packed" in answer ? Object.values(answer.packed).map(({ text }) => text.buffer) : [];
  // A thread's, not a window's.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(answer, texts);
});

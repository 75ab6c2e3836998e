// One of the threads of PackageReader: answers what it is asked.
import { parentPort } from "node:worker_threads";
import { answerQuestion, type Question } from "./question.ts";

parentPort?.on("message", (question: Question) => {
  // A thread's, not a window's.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(answerQuestion(question));
});

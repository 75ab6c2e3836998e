import { interruptCommands, killAllCommands } from "@cleanroom/core";
import { runCommandLine } from "./command-line.ts";
import { terminalView } from "./progress-view.ts";

let isInterrupted = false;

/** Ends what runs, and leaves a moment for putting away what is half-made; a second time at once. */
function interrupt(): void {
  if (isInterrupted) process.exit(130);
  isInterrupted = true;
  terminalView.end();
  process.stderr.write("interrupted: nothing half-made is kept, the next run goes on from here\n");
  interruptCommands();
  setTimeout(() => process.exit(130), 3000).unref();
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
// Nx killed with -9 leaves its tasks running; one that notices ends itself and what it runs.
if (process.env["NX_TASK_TARGET_PROJECT"] !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !isInterrupted) interrupt();
  }, 500).unref();
}
const exitCode = await runCommandLine(process.argv.slice(2));
process.exitCode = isInterrupted ? 130 : exitCode;
// A server or a lock holder that is still there must not keep the program alive.
killAllCommands();

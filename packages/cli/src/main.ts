import { killAllCommands } from "@cleanroom/core";
import { runCommandLine } from "./command-line.ts";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    killAllCommands();
    process.stderr.write("interrupted\n");
    process.exit(130);
  });
}
// Nx killed with -9 leaves its tasks running; one that notices ends itself and what it runs.
if (process.env["NX_TASK_TARGET_PROJECT"] !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return;
    killAllCommands();
    process.exit(130);
  }, 500).unref();
}
process.exitCode = await runCommandLine(process.argv.slice(2));
// A server or a lock holder that is still there must not keep the program alive.
killAllCommands();

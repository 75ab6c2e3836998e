import { killAllCommands } from "@cleanroom/core";
import { runCommandLine } from "./command-line.ts";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    killAllCommands();
    process.stderr.write("interrupted\n");
    process.exit(130);
  });
}
process.exitCode = await runCommandLine(process.argv.slice(2));
// A server or a lock holder that is still there must not keep the program alive.
killAllCommands();

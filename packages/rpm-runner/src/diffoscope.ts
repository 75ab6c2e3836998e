import path from "node:path";
import { run, runInSandbox, type Store, writeFileAtomic } from "@cleanroom/core";
import type { BuiltRpm } from "./build-result.ts";
import { hostProgramSandbox } from "./host-program.ts";

/** It unpacks what is in packages and disassembles programs: big ones take it for ever. */
const timeoutMs = 10 * 60_000;

let found: Promise<boolean> | undefined;

function isPresent(): Promise<boolean> {
  return (found ??= run("diffoscope", ["--version"]).then(
    () => true,
    () => false,
  ));
}

/**
 * What diffoscope says of two builds of a package, where this machine has it.
 *
 * @param folder of the second build's RPMs
 * @param report file to write
 * @returns whether it was written
 */
export async function writeDiffoscopeReport(
  store: Store,
  first: readonly BuiltRpm[],
  folder: string,
  report: string,
): Promise<boolean> {
  if (!(await isPresent())) return false;
  return store.withTemporaryFolder("diffoscope", async (temporary) => {
    const before = path.join(temporary, "first");
    for (const { file, sha256 } of first) await store.materialize(sha256, path.join(before, file));
    const { stdout } = await runInSandbox(
      hostProgramSandbox([
        { source: before, target: "/first" },
        { source: folder, target: "/second" },
      ]),
      [
        ...["diffoscope", "--text", "-", "--no-progress"],
        ...["--exclude-directory-metadata", "recursive", "/first", "/second"],
      ],
      // 1: they differ; with the same code it says that it failed, in words.
      { step: "diffoscope", accept: [0, 1, 2], timeoutMs },
    );
    if (stdout === "") return false;
    await writeFileAtomic(report, stdout);
    return true;
  });
}

import path from "node:path";
import { CleanroomError, sha256File, type Store } from "@cleanroom/core";
import type { BuiltRpm } from "./build-result.ts";
import { compareRpms, type RpmDifference } from "./compare-rpms.ts";

/** One way in which what two builds of a package made differs. */
export interface OutputDifference extends RpmDifference {
  readonly rpm: string;
}

/**
 * What differs between the RPMs that the store has of a build and those of another build of it.
 *
 * @param folder of the other build's RPMs
 * @param files its RPMs
 * @param ignored header tags that may differ
 */
export async function compareOutputs(
  store: Store,
  first: readonly BuiltRpm[],
  folder: string,
  files: readonly string[],
  ignored: readonly number[] = [],
): Promise<OutputDifference[]> {
  const differences: OutputDifference[] = [];
  const known = new Map(first.map(({ file, sha256 }) => [file, sha256]));
  for (const rpm of new Set([...known.keys(), ...files])) {
    const before = known.get(rpm);
    const again = path.join(folder, rpm);
    if (before === undefined || !files.includes(rpm)) {
      const there = (is: boolean): string => (is ? "built" : "absent");
      const presence = { first: there(before !== undefined), second: there(files.includes(rpm)) };
      differences.push({ rpm, what: "package", ...presence });
    } else if ((await sha256File(again)) !== before) {
      const file = await store.blob(before);
      if (file === undefined) throw missingOutput(rpm);
      const found = await compareRpms(file, again, ignored);
      const elsewhere = { what: "lead or signature header", first: "differs", second: "differs" };
      const isExplained = found.length > 0 || ignored.length > 0;
      differences.push(...(isExplained ? found : [elsewhere]).map((one) => ({ rpm, ...one })));
    }
  }
  return differences;
}

/** An output that the store no longer has. */
export function missingOutput(file: string): CleanroomError {
  return new CleanroomError("blob-missing", `the store lacks ${file}`, {
    hint: "run the command again: it will be built anew",
  });
}

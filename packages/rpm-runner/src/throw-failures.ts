import { CleanroomError, formatError, type Logger } from "@cleanroom/core";
import type { TaskOutcome } from "./schedule.ts";

/**
 * Ends a run in which builds failed.
 *
 * @param areTold each failure was told when it happened: at the end it is only counted
 * @throws the first failure, once the others are told; where all are told, `builds-failed` with the
 *   exit code of the first
 */
export function throwFailures(
  outcomes: ReadonlyMap<string, TaskOutcome<unknown>>,
  { logger, areTold }: { readonly logger: Logger; readonly areTold: boolean },
): void {
  const failures = [...outcomes].flatMap(([id, outcome]) =>
    outcome.state === "failed" ? [{ id, error: outcome.error }] : [],
  );
  const [first, ...others] = failures;
  if (first === undefined) return;
  const bug = failures.find(({ error }) => !(error instanceof CleanroomError));
  if (bug !== undefined) throw bug.error;
  if (!areTold) {
    for (const { error } of others) logger.error(formatError(error as CleanroomError));
  }
  const skipped = [...outcomes].filter(([, { state }]) => state === "skipped");
  if (skipped.length > 0) {
    logger.warning(`not built because of that: ${skipped.map(([id]) => id).join(", ")}`);
  }
  if (!areTold) throw first.error;
  const names = failures.map(({ id }) => id).join(", ");
  throw new CleanroomError(
    "builds-failed",
    `${failures.length} of ${outcomes.size} builds failed: ${names}`,
    {
      exitCode: (first.error as CleanroomError).exitCode,
      hint: "what failed is told above, where it happened",
    },
  );
}

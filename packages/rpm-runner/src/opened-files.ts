import { readFile } from "node:fs/promises";
import { type Logger, sandboxArguments, start, type Tools } from "@cleanroom/core";

const watcher = new URL("opened-files.py", import.meta.url);

/** What some work made, and the files of a root that were opened meanwhile. */
export interface ObservedWork<Result> {
  readonly result: Result;
  /** Paths in the root, sorted; undefined where they could not be observed. */
  readonly opened: readonly string[] | undefined;
}

/**
 * Does work while the files of a root are watched: which of them are opened, by any process, in
 * whatever namespace. That it is watched changes nothing in the root or for its processes, takes no
 * privilege, and 0.2 s of a processor for a hundred thousand files. Where the kernel has no watches
 * left, or lost events, the work counts and what was opened is not known.
 *
 * A build of another package in the very same root at the same time adds to what is seen.
 *
 * @param root host folder of an installed root, whose folders belong to no other root
 * @param work is called at once, and awaits its argument before it opens what is to be seen
 */
export async function whileObserving<Result>(
  tools: Tools,
  root: string,
  logger: Logger,
  work: (watching: Promise<unknown>) => Promise<Result>,
): Promise<ObservedWork<Result>> {
  const sandbox = { root: tools.root, mounts: [{ source: root, target: "/watched" }] };
  // Python's standard library alone, which starts in half of the time.
  const command = ["python3", "-I", "-S", "-c", await readFile(watcher, "utf8")];
  const step = "watch opened files";
  const observer = start("bwrap", [...sandboxArguments(sandbox), ...command], { step });
  try {
    const watching = observer.firstOutput.then(
      () => true,
      () => false,
    );
    const result = await work(watching);
    const isReady = await watching;
    observer.endInput();
    const { stdout, stderr } = await observer.ended;
    const opened = openedFiles(stdout);
    if (!isReady || opened === undefined) {
      const why = stderr.trim().split("\n").at(-1);
      logger.info(`which files were opened is not known: ${why === "" ? "events were lost" : why}`);
    }
    return { result, opened };
  } finally {
    observer.kill();
  }
}

/** The second line: the first one says that watching began. */
function openedFiles(output: string): readonly string[] | undefined {
  const document = output.split("\n")[1];
  if (document === undefined || document === "") return undefined;
  return (JSON.parse(document) as { opened: readonly string[] | null }).opened ?? undefined;
}

import { readFile } from "node:fs/promises";
import { type Logger, sandboxArguments, start, type Tools } from "@cleanroom/core";

const watcher = new URL("opened-files.py", import.meta.url);

/** What some work made, and the files of a root that were opened meanwhile. */
export interface ObservedWork<Result> {
  readonly result: Result;
  /**
   * Paths in the root, sorted; undefined where they could not be observed. To take the watches away
   * takes some hundredths of a second, so the work's result is there before.
   */
  readonly opened: Promise<readonly string[] | undefined>;
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
  const watching = observer.firstOutput.then(
    () => true,
    () => false,
  );
  const seen = async (): Promise<readonly string[] | undefined> => {
    const isReady = await watching;
    observer.endInput();
    const { stdout, stderr } = await observer.ended;
    const opened = openedFiles(stdout);
    if (!isReady || opened === undefined) {
      const why = stderr.trim().split("\n").at(-1);
      logger.info(`which files were opened is not known: ${why === "" ? "events were lost" : why}`);
    }
    return opened;
  };
  try {
    return { result: await work(watching), opened: seen() };
  } catch (error) {
    observer.kill();
    throw error;
  }
}

/** What comes after the line that says that watching began. */
function openedFiles(output: string): readonly string[] | undefined {
  const [word, ...paths] = output.slice(output.indexOf("\n") + 1).split("\0");
  return word === "opened" ? paths.slice(0, -1) : undefined;
}

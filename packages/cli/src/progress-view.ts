import { describeDuration, type Logger } from "@cleanroom/core";
import type { BuildProgress, BuildState, ProgressSnapshot } from "@cleanroom/rpm-runner";

/** What a view writes to: standard error, as a rule. */
export interface ViewStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How often a terminal is drawn anew. */
const drawingMs = 250;

/**
 * Shows where builds stand. On a terminal a few lines at its end that are drawn anew, below all
 * that is logged; elsewhere one line when the first build begins, and one for each that ends.
 */
export class ProgressView {
  readonly #stream: ViewStream;
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #progress: BuildProgress | undefined;

  constructor(stream: ViewStream) {
    this.#stream = stream;
  }

  /** Writes a line of the log, above what is drawn. */
  write(text: string): void {
    this.#erase();
    this.#stream.write(text);
    this.#draw();
  }

  /**
   * Shows a run from its first build that really runs on: what is cached needs no words.
   *
   * @param isDrawn lines may be drawn over
   */
  show(progress: BuildProgress, logger: Logger, isDrawn: boolean): void {
    this.#progress = progress;
    let isBegun = false;
    progress.onChange((_id, state) => {
      const isFirst = state === "running" && !isBegun;
      isBegun ||= isFirst;
      if (isDrawn && this.#stream.isTTY === true) this.#follow(state, progress);
      else if (isFirst || state === "built" || state === "failed") {
        const snapshot = progress.snapshot();
        if (isOpen(snapshot)) logger.info(summaryLine(snapshot), countFields(snapshot));
      }
    });
  }

  /** Takes away what is drawn, and draws no more of this run. */
  end(): void {
    this.#progress = undefined;
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #follow(state: BuildState, progress: BuildProgress): void {
    if (state === "running" && this.#timer === undefined) {
      this.#timer = setInterval(() => {
        this.#erase();
        this.#draw();
      }, drawingMs).unref();
    }
    if (this.#timer !== undefined && !isOpen(progress.snapshot())) this.#stop();
  }

  /** To the first drawn line and its first column: a terminal echoes ^C where it stands. */
  #erase(): void {
    if (this.#drawnLines > 0) this.#stream.write(`\x1b[${this.#drawnLines}F\x1b[J`);
    this.#drawnLines = 0;
  }

  #draw(): void {
    if (this.#timer === undefined || this.#progress === undefined) return;
    const lines = progressLines(this.#progress.snapshot());
    const width = (this.#stream.columns ?? 80) - 1;
    this.#stream.write(lines.map((line) => `${line.slice(0, width)}\n`).join(""));
    this.#drawnLines = lines.length;
  }
}

/** The view of this process: a terminal has one end. */
export const terminalView = new ProgressView(process.stderr);

function isOpen({ counts }: ProgressSnapshot): boolean {
  return counts.waiting + counts.preparing + counts.running > 0;
}

function countFields({ counts, total, remainingMs }: ProgressSnapshot): Record<string, number> {
  const fields = Object.fromEntries(
    Object.entries(counts).map(([state, count]) => [state.replace("-", ""), count]),
  );
  return { ...fields, total, ...(remainingMs === undefined ? {} : { remainingMs }) };
}

/** A run in one line: `7 of 20: 2 running, 11 waiting, 5 built, 2 cached; at most 9 min 3 s left`. */
export function summaryLine(snapshot: ProgressSnapshot): string {
  const { counts, total, remainingMs } = snapshot;
  const done = counts.built + counts.cached + counts["cut-off"];
  const words: readonly (readonly [string, number])[] = [
    ["running", counts.running],
    ["waiting", counts.waiting + counts.preparing],
    ["built", counts.built],
    ["cut off", counts["cut-off"]],
    ["cached", counts.cached],
    ["failed", counts.failed],
    ["skipped", counts.skipped],
  ];
  const parts = words.filter(([, count]) => count > 0).map(([word, count]) => `${count} ${word}`);
  const left =
    remainingMs === undefined
      ? "nobody knows yet how long it takes"
      : `at most ${describeDuration(remainingMs)} left`;
  return `${done} of ${total}: ${parts.join(", ")}; ${left}`;
}

/** A run in a few lines: those that run with their times, and the sum of it. */
export function progressLines(snapshot: ProgressSnapshot): string[] {
  return [
    ...snapshot.running.map(({ id, elapsedMs, expectedMs }) => {
      const of = expectedMs === undefined ? "" : ` of about ${describeDuration(expectedMs)}`;
      return `  ${id}: ${describeDuration(elapsedMs)}${of}`;
    }),
    summaryLine(snapshot),
  ];
}

/** Failures in a row after which a server is left alone. */
const patience = 3;
const firstPauseMs = 60_000;
const longestPauseMs = 15 * 60_000;

/**
 * Keeps a server that fails from costing every request its time: after some failures in a row, or
 * one that speaks for itself, nothing is asked for a while. Then one more failure doubles the pause.
 */
export class CircuitBreaker {
  readonly #now: () => number;
  #failures = 0;
  #pauseMs = firstPauseMs;
  #askAgainAtMs = 0;

  /** @param now milliseconds that never go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the server is left alone now. */
  get isOpen(): boolean {
    return this.#failures >= patience && this.#now() < this.#askAgainAtMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pauseMs = firstPauseMs;
  }

  /**
   * @param isFinal the next request would fare no better
   * @returns for how long the server is left alone from now on, in milliseconds; undefined when it
   *   is not, or was already
   */
  failed(isFinal: boolean): number | undefined {
    if (this.isOpen) return undefined;
    this.#failures = isFinal ? patience : this.#failures + 1;
    if (this.#failures < patience) return undefined;
    const pauseMs = this.#pauseMs;
    this.#askAgainAtMs = this.#now() + pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    return pauseMs;
  }
}

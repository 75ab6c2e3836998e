/** Durations in milliseconds of what is measured in turn. */
export interface Times {
  readonly ours: number[];
  readonly peer: number[];
}

/** Prints the medians, all figures, and how much longer ours took. */
export function report(what: string, peerName: string, { ours, peer }: Times): void {
  const seconds = (all: readonly number[]): string =>
    `${(median(all) / 1000).toFixed(2)} s (${all.map((one) => (one / 1000).toFixed(2)).join(", ")})`;
  const ratio = (median(ours) / median(peer)).toFixed(2);
  console.log(`${what}: ${seconds(ours)}; ${peerName} ${seconds(peer)}; ratio ${ratio}`);
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN;
}

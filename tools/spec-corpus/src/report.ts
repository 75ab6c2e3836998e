import { aspects, type Comparison } from "./compare.ts";

/** The tables of a run, as text. */
export function report(comparisons: readonly Comparison[], show: number): string {
  const accepted = comparisons.filter((one) => one.isAccepted);
  const times = comparisons.map((one) => one.milliseconds).toSorted((a, b) => a - b);
  const total = times.reduce((sum, one) => sum + one, 0);
  const lines = [
    `specs               ${comparisons.length}`,
    `accepted by rpmspec ${accepted.length}`,
    row("round trip", comparisons.filter((one) => one.isRoundTrip).length, comparisons.length),
    row("same verdict", comparisons.filter((one) => one.agrees).length, comparisons.length),
    ...aspects.map((aspect) =>
      row(aspect, accepted.filter((one) => !one.differences.has(aspect)).length, accepted.length),
    ),
    `time                ${total.toFixed(0)} ms in all, median ${at(times, 0.5)} ms, 99 % ${at(times, 0.99)} ms, longest ${at(times, 1)} ms`,
    "",
    ...causes(accepted),
  ];
  const different = comparisons.filter((one) => one.differences.size > 0 || !one.agrees);
  for (const one of different.slice(0, show)) lines.push(...details(one));
  return `${lines.join("\n")}\n`;
}

function row(name: string, equal: number, all: number): string {
  const share = all === 0 ? 100 : (equal / all) * 100;
  return `${name.padEnd(19)} ${equal} of ${all}  ${share.toFixed(2)} %`;
}

function at(times: readonly number[], share: number): string {
  return (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2);
}

/** What differs, grouped by what rpm-parser said about it, most frequent first. */
function causes(accepted: readonly Comparison[]): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const one of accepted) {
    if (one.differences.size === 0 && one.agrees) continue;
    const [first = "no diagnostic"] = one.causes;
    const cause = first.replace(/[0-9]+/g, "N").slice(0, 90);
    groups.set(cause, [...(groups.get(cause) ?? []), one.file]);
  }
  const sorted = [...groups].toSorted(([, a], [, b]) => b.length - a.length);
  return [
    "differences by the first diagnostic",
    ...sorted.slice(0, 40).map(([cause, files]) => `${String(files.length).padStart(5)}  ${cause}`),
  ];
}

function details(one: Comparison): readonly string[] {
  const lines = ["", one.file];
  if (!one.agrees) lines.push(`  rpmspec ${one.isAccepted ? "accepts" : "rejects"} it`);
  for (const cause of one.causes.slice(0, 3)) lines.push(`  ${cause}`);
  for (const [aspect, text] of one.differences) {
    lines.push(`  ${aspect}:`, ...text.split("\n").map((line) => `    ${line.slice(0, 300)}`));
  }
  return lines;
}

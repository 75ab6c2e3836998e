import type { Place } from "@cleanroom/core";
import type { ChangelogEntry } from "../model/spec-package.ts";
import type { SpecState } from "./spec-state.ts";

const months = [
  "jan",
  "feb",
  "mar",
  "apr",
  "may",
  "jun",
  "jul",
  "aug",
  "sep",
  "oct",
  "nov",
  "dec",
] as const;

const noonSeconds = 12 * 3600;

interface Heading {
  readonly heading: string;
  readonly place: Place;
  readonly lines: string[];
}

/** Reads `%changelog` (rpm's `build/parseChangelog.c`): entries that begin with a star. */
export function readChangelog(state: SpecState): string | undefined {
  if (state.changelog.length > 0) state.report("error", "section-twice", "second %changelog");
  const headings: Heading[] = [];
  const next = state.readSection({ dropsComments: true }, (line) => {
    if (line.startsWith("*")) {
      headings.push({ heading: line.slice(1).trim(), place: state.lines.place, lines: [] });
      return;
    }
    const current = headings.at(-1);
    if (current !== undefined) current.lines.push(line);
    else if (line.trim() !== "") {
      state.report("warning", "changelog-form", "%changelog entries must start with *");
    }
  });
  for (const { heading, place, lines } of headings) {
    state.changelog.push(readEntry(state, heading, place, lines.join("").trim()));
  }
  return next;
}

/** `Mon Jan 06 2020 Author`, or `Mon Jan 06 12:00:00 UTC 2020 Author`. */
function readEntry(state: SpecState, heading: string, place: Place, text: string): ChangelogEntry {
  const match =
    /^\w{3}\s+(\w{3})\s+(\d{1,2})\s+(?:(\d\d):(\d\d):(\d\d)\s+\S+\s+)?(\d{4})\s*([\s\S]*)$/.exec(
      heading,
    );
  const [, month = "", day, hours, minutes, seconds, year, author = ""] = match ?? [];
  const monthIndex = months.indexOf(month.toLowerCase() as (typeof months)[number]);
  const dayNumber = Number(day);
  if (match === null || monthIndex < 0 || dayNumber < 1 || dayNumber > 31) {
    state.report("warning", "changelog-date", `bad date in %changelog: ${heading}`, place);
    return { heading, timeSeconds: undefined, author: "", text, place };
  }
  const dayStart = Date.UTC(Number(year), monthIndex, dayNumber) / 1000;
  const timeOfDay =
    hours === undefined
      ? noonSeconds
      : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return { heading, timeSeconds: dayStart + timeOfDay, author, text, place };
}

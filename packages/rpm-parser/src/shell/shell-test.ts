import { ownValue } from "../macro/own-value.ts";
import { UnknownShell } from "./shell-word.ts";
import type { ShellSurroundings } from "./shell-surroundings.ts";

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "-eq": (a, b) => a === b,
  "-ne": (a, b) => a !== b,
  "-lt": (a, b) => a < b,
  "-le": (a, b) => a <= b,
  "-gt": (a, b) => a > b,
  "-ge": (a, b) => a >= b,
};

/** The exit status of test(1), by the number of its words as POSIX says. */
export function testStatus(words: readonly string[], s: ShellSurroundings): number {
  const [first = "", second = "", third = ""] = words;
  const status = (holds: boolean): number => (holds ? 0 : 1);
  if (words.length === 0) return 1;
  if (words.length === 1) return status(first !== "");
  if (first === "!" && words.length <= 4) {
    const inner = testStatus(words.slice(1), s);
    return inner > 1 ? inner : 1 - inner;
  }
  if (words.length === 2) {
    if (first === "-n") return status(second !== "");
    if (first === "-z") return status(second === "");
    return fileStatus(first, second, s);
  }
  const joint = words.findIndex((word) => word === "-o");
  const union = joint > 0 ? joint : words.indexOf("-a");
  if (words.length > 3 && union > 0) {
    const left = testStatus(words.slice(0, union), s);
    const right = testStatus(words.slice(union + 1), s);
    return words[union] === "-o" ? Math.min(left, right) : Math.max(left, right);
  }
  if (words.length !== 3) throw new UnknownShell("test");
  if (second === "==") {
    if (s.shell === undefined) throw new UnknownShell("test == of bash");
    if (s.shell === "dash") return 2;
  }
  if (second === "=" || second === "==") return status(first === third);
  if (second === "!=") return status(first !== third);
  const compare = ownValue(comparisons, second);
  if (compare === undefined) throw new UnknownShell(`test ${second}`);
  if (![first, third].every((one) => /^\s*[+-]?\d{1,15}\s*$/.test(one))) return 2;
  return status(compare(Number(first), Number(third)));
}

function fileStatus(operator: string, path: string, { kindOf }: ShellSurroundings): number {
  if (!/^-[defrsx]$/.test(operator)) throw new UnknownShell(`test ${operator}`);
  const kind = kindOf(path);
  if (kind === undefined) throw new UnknownShell(`whether ${path} is there`);
  if (kind === "nothing") return 1;
  if (operator === "-e") return 0;
  if (operator === "-d" || operator === "-f") {
    return (kind === "folder") === (operator === "-d") ? 0 : 1;
  }
  throw new UnknownShell(`test ${operator}`);
}

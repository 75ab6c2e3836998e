import { expect, test } from "vitest";
import { errorLines } from "./error-lines.ts";

test("the lines that say why stand before the end", () => {
  const noise = Array.from({ length: 200 }, (_, index) => `[${index}/200] Compiling ${index}.c`);
  const log = [
    ...noise.slice(0, 100),
    "a.c:3:5: error: 'x' undeclared",
    "    3 |   x = 1;",
    ...noise.slice(100),
    "ninja: build stopped: subcommand failed.",
    "error: Bad exit status from /var/tmp/rpm-tmp.1 (%build)",
    "RPM build errors:",
    "    Bad exit status from /var/tmp/rpm-tmp.1 (%build)",
  ].join("\n");
  expect(errorLines(log, 6)).toEqual([
    "a.c:3:5: error: 'x' undeclared",
    "    3 |   x = 1;",
    "ninja: build stopped: subcommand failed.",
    "error: Bad exit status from /var/tmp/rpm-tmp.1 (%build)",
    "RPM build errors:",
    "    Bad exit status from /var/tmp/rpm-tmp.1 (%build)",
  ]);
});

test("a short log is shown whole", () => {
  expect(errorLines("one\ntwo\n", 10)).toEqual(["one", "two"]);
});

test("where no words give it away, it is the end that is shown", () => {
  expect(errorLines("1\n2\n3\n4\n5\n6\n7\n8\n", 6)).toEqual(["3", "4", "5", "6", "7", "8"]);
});

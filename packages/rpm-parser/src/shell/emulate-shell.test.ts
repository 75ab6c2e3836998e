import { describe, expect, it } from "vitest";
import { emulateShell } from "./emulate-shell.ts";

const surroundings = {
  read: (path: string) => (path === "/v" ? "1.2\n3.4\n" : undefined),
  environment: { SOURCE_DATE_EPOCH: "1578312000", V: "1.2.3" },
  processors: 4,
};

describe("emulateShell", () => {
  it.each([
    ["echo a  b", "a b\n"],
    ["echo 'a  b' \"c  d\"", "a  b c  d\n"],
    ["echo $V | cut -d. -f1,2", "1.2\n"],
    ["echo ${V%.*} ${V%%.*} ${V#*.} ${V##*.}", "1.2 1 2.3 3\n"],
    ["echo ${NOTHING:-x}", "x\n"],
    ["x=5; echo $((x + 1))", "6\n"],
    ["echo $(( ($(nproc)+1) / 2))", "2\n"],
    ["echo 1.2-3 | sed 's/-.*//; s/\\./_/g'", "1_2\n"],
    ["echo 1.2 | sed -E 's/([0-9]+)\\.([0-9]+)/\\2.\\1/'", "2.1\n"],
    ["echo abc | tr a-b A-B", "ABc\n"],
    ["echo a.b | tr -d .", "ab\n"],
    ["echo a b c | awk '{print $2}'", "b\n"],
    ["echo a:b | awk -F: '{ print $NF }'", "b\n"],
    ["cat /v | head -1", "1.2\n"],
    ["grep -c 1 /v", "1\n"],
    ["date -u +%Y-%m-%d", "2020-01-06\n"],
    ["printf '%s-%02d' a 5", "a-05"],
    ["false || echo no", "no\n"],
    ["true && echo yes", "yes\n"],
    ["test 1 -gt 2 || echo less", "less\n"],
    ['[ -z "$NOTHING" ] && echo empty', "empty\n"],
    ["if [ 1 -gt 2 ]; then echo a; elif true; then echo b; else echo c; fi", "b\n"],
    ["if false; then echo a; fi; echo d", "d\n"],
    ["if true; then if false; then echo a; else echo b; fi; fi", "b\n"],
    ["N=`getconf _NPROCESSORS_ONLN`; echo $N", "4\n"],
    ["! /usr/bin/make --version -O >/dev/null 2>&1 || echo -O", "-O\n"],
    ["true; \\\n if true; \\\n then echo a; fi", "a\n"],
    ["basename /a/b.c .c", "b\n"],
  ])("%s", (command, expected) => {
    expect(emulateShell(command, surroundings)).toEqual({ output: expected });
  });

  it.each([
    "rm -rf /",
    "python3 -c 1",
    "echo *",
    "echo a > /tmp/x",
    "cat /etc/passwd",
    "eval echo a",
    "sed -n p /v",
    "while true; do echo; done",
    "echo `",
  ])("does not guess: %s", (command) => {
    expect(emulateShell(command, surroundings)).toHaveProperty("unknown");
  });
});

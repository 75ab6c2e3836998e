import { describe, expect, it } from "vitest";
import { emulateShell } from "./emulate-shell.ts";

const surroundings = {
  read: (path: string) => (path === "/v" ? "1.2\n3.4\n" : undefined),
  kindOf: (path: string) => (({ "/v": "file", "/d": "folder", "/x": "nothing" }) as const)[path],
  environment: { SOURCE_DATE_EPOCH: "1578312000", V: "1.2.3" },
  processors: 4,
  answers: {
    "perl -V:version": "version='5.40.1';\n",
    "make --version -O": 0,
    "uname -m": "x86_64\n",
    "pkg-config --variable=udevdir udev": 127,
  },
  shell: undefined,
};
const bash = { ...surroundings, shell: "bash" as const };
const dash = { ...surroundings, shell: "dash" as const };

describe("emulateShell", () => {
  it.each([
    ["echo a  b", "a b\n"],
    ["echo 'a  b' \"c  d\"", "a  b c  d\n"],
    ["echo $V | cut -d. -f1,2", "1.2\n"],
    ["echo ${V%.*} ${V%%.*} ${V#*.} ${V##*.}", "1.2 1 2.3 3\n"],
    ["echo ${NOTHING:-x}", "x\n"],
    ["echo ${constructor%x}${toString:-none}", "none\n"],
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
    ["! make --version -O >/dev/null 2>&1 || echo -O", "-O\n"],
    ["true; \\\n if true; \\\n then echo a; fi", "a\n"],
    ["basename /a/b.c .c", "b\n"],
    ['eval "`perl -V:version`"; echo $version', "5.40.1\n"],
    ['eval "$(perl -V:version)"; echo $version', "5.40.1\n"],
    ["X= perl -V:version | cut -d\\' -f2", "5.40.1\n"],
    ["pkg-config --variable=udevdir udev 2>/dev/null || echo /lib/udev", "/lib/udev\n"],
    ["uname -m", "x86_64\n"],
    ["[ -d /d ] || echo none; test -e /x && echo x; test -f /v; echo $?", "0\n"],
    ["if ( test -f /x && test -f /v ); then echo -n 1; else echo -n 0; fi", "0"],
    ["if (test -d /d > /dev/null); then { echo a; echo b; } | head -1; fi", "a\n"],
    ["cat /x 2>/dev/null || echo 0-0", "0-0\n"],
    ["echo a.b.c | cut -d. -f1-2 --output-delimiter=_", "a_b\n"],
    ["echo 1~rc | cut -d~ -f1", "1\n"],
    ["echo aabb | tr -s ab", "ab\n"],
    ["echo a1b2 | tr -dc 0-9", "12"],
    ["cat /v | sed -n 's/^3/x/p'", "x.4\n"],
    ["cat /v | sed -n 2p", "3.4\n"],
    ["echo 'a/b' | sed 's,/[^/]*$,,'", "a\n"],
    ["echo 'a.b' | sed 's/[^\\.]//g'", ".\n"],
    ["echo 20231115 | awk '{print substr($0,1,4)\".\"substr($0,5,2)}'", "2023.11\n"],
    ["cat /v | awk -F. 'NR==2 {print $2, $1}'", "4 3\n"],
    ["cat /v | awk '/^3/ {print}'", "3.4\n"],
    ["x=1; x=$x$x; echo ${x} ${#x} ${x:+set} ${y+set}", "11 2 set\n"],
    ["echo a; exit 3; echo b", "a\n"],
    ["false | true; echo $?; ! true; echo $?", "0\n1\n"],
  ])("%s", (command, expected) => {
    expect(emulateShell(command, surroundings)).toEqual({ output: expected });
  });

  it.each([
    ["c=0123456789; echo ${c:0:7}", "0123456\n", ""],
    ["b=v1.2; echo ${b:1}", "1.2\n", ""],
    ["test 3 == 3 || echo -3.11", "", "-3.11\n"],
    ["echo x; v=1.6 && echo ${v//./-}", "x\n1-6\n", "x\n"],
    ["cut -d. -f-2 <<< 1.2.3", "1.2\n", ""],
    ["echo 'a\\nb'", "a\\nb\n", "a\nb\n"],
  ])("tells bash from dash: %s", (command, inBash, inDash) => {
    expect(emulateShell(command, bash)).toEqual({ output: inBash });
    expect(emulateShell(command, dash)).toEqual({ output: inDash });
    expect(emulateShell(command, surroundings)).toHaveProperty("unknown");
  });

  it.each([
    "rm -rf /",
    "python3 -c 1",
    "echo *",
    "echo a > /tmp/x",
    "cat /etc/passwd",
    "test -e /unknown",
    "constructor",
    "test a constructor b",
    "echo x | sed 's/[[:constructor:]]//'",
    "sed '1!d' /v",
    "echo ab | sed -E 's/a|ab//'",
    "echo $RANDOM $HOME",
    "make --version",
    'd=\'x=$x$x; \'; x=aa; d="$d$d$d$d$d"; eval "$d$d$d$d$d$d"; echo $x',
    'x=\'eval "$x"; eval "$x"\'; eval "$x"',
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | sed -E 's/a*a*a*a*a*a*b//'",
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | sed -E 's/(a+)+b//'",
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '(a|aa)+b'",
    "while true; do echo; done",
    "echo `",
  ])("does not guess: %s", (command) => {
    expect(emulateShell(command, surroundings)).toHaveProperty("unknown");
  });
});

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CommandResult, run } from "@cleanroom/core";
import { evaluateSpec, parseMacroFile, parseSpec, standardMacros } from "rpm-parser";
import { expect, test } from "vitest";

interface Recorded {
  readonly name: string;
  readonly spec: string;
  readonly accepted: boolean;
  readonly expanded?: string;
}

/** Runs rpmspec; any exit code is an answer. */
const rpmspec = (...args: readonly string[]): Promise<CommandResult> =>
  run("rpmspec", args, { accept: Array.from({ length: 256 }, (_, code) => code) });

const folder = path.resolve(import.meta.dirname, "../packages/rpm-parser/fixtures/rules");
const hasRpmspec = await rpmspec("--version").then(
  () => true,
  () => false,
);

/** Every so manieth rule; all of them are compared with what was recorded in the unit tests. */
const sampleStep = 12;

test.skipIf(!hasRpmspec)("the recorded rules are what this machine's rpmspec says", async () => {
  const { stdout: version } = await rpmspec("--version");
  const dialect = version.includes("4.18") ? "4.18" : "4.20";
  const recorded = JSON.parse(
    readFileSync(path.join(folder, `rpm-${dialect}.json`), "utf8"),
  ) as readonly Recorded[];
  const work = mkdtempSync(path.join(tmpdir(), "rpm-parser-"));
  const table = standardMacros();
  const lines = [...table.names()].map((name) => {
    const { options, body } = table.get(name) ?? { options: undefined, body: "" };
    const text = body.replaceAll("\\", "\\\\").replaceAll("\n", "\\\n");
    return `%${name}${options === undefined ? "" : `(${options})`} ${text}\n`;
  });
  lines.push(`%included ${path.join(folder, "included")}\n`);
  writeFileSync(path.join(work, "standard"), lines.join(""));
  const macroPath = `${path.join(work, "standard")}:${path.join(folder, "macros")}`;
  const file = path.join(work, "case.spec");
  for (const one of recorded.filter((_one, index) => index % sampleStep === 0)) {
    writeFileSync(file, one.spec);
    const said = await rpmspec("--macros", macroPath, "-P", file);
    const accepted = said.exitCode === 0;
    expect({ name: one.name, accepted, expanded: accepted ? said.stdout : undefined }).toEqual({
      name: one.name,
      accepted: one.accepted,
      expanded: one.expanded,
    });
  }
});

/** The base's macros are rpm's own with a few more; Fedora's are another set altogether. */
const macroSets = ["/usr/lib/rpm/macros", "../packages/spec-strip/fixtures/fedora.macros"];

test.skipIf(!hasRpmspec)("the specs of this repository mean what rpmspec says", async () => {
  const specs = path.resolve(import.meta.dirname, "../specs/rpm");
  const files = macroSets.map((file) => path.resolve(import.meta.dirname, file));
  const { stdout: version } = await rpmspec("--version");
  const dialect = version.includes("4.18") ? "4.18" : "4.20";
  let macros = standardMacros();
  for (const file of files) macros = parseMacroFile(readFileSync(file, "utf8"), macros, file);
  const names = readdirSync(specs, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of names) {
    const file = path.join(specs, name, `${name}.spec`);
    const said = async (...query: readonly string[]): Promise<string[]> => {
      const { exitCode, stdout, stderr } = await rpmspec(
        ...["--macros", files.join(":"), "-q", ...query, file],
      );
      expect({ name, exitCode, stderr }).toEqual({ name, exitCode: 0, stderr: "" });
      return stdout.split("\n").filter((line) => line !== "");
    };
    const { package: source } = evaluateSpec(parseSpec(readFileSync(file), file), {
      macros,
      dialect,
    });
    const buildRequires = source.buildRequires.map((one) => one.text);
    expect(buildRequires).toEqual(await said("--buildrequires"));
    const built = source.packages.filter(({ files: listed }) => listed !== undefined);
    const label = "%{name} %{release} %{arch} %{license}\n";
    expect(
      built.map((one) =>
        [one.name, one.release, one.arch, one.license ?? source.license].join(" "),
      ),
    ).toEqual(await said("--queryformat", label));
  }
});

/** Commands such as specs hold; what one shell understands and the other does not is among them. */
const commands = [
  "echo a  b 'c  d' \"e  f\"",
  "echo 1.2.3-4 | cut -d. -f1,2; echo 1.2.3 | cut -d. -f2- --output-delimiter=_",
  "c=0123456789abcdef; echo ${c:0:7}",
  "v=1.2.3; echo ${v%.*} ${v%%.*} ${v#*.} ${v##*.} ${#v} ${v:-x} ${n:-x} ${n+y} ${v:+z}",
  "v=1.6.2; echo ${v//./-} ${v/./_}",
  "cut -d. -f-2 <<< 1.2.3",
  "test 3 == 3 || echo other",
  "[ 2 -gt 1 -a 1 -lt 2 ] && echo both; [ ! -z '' ] || echo empty; test x = x; echo $?",
  "echo 'a\\nb'; printf '%s-%03d|%5s|' a 7 b",
  "echo 1.2-3 | sed -e 's/-.*//' -e 's/\\./_/g'; echo 'x[y]z' | sed 's/[^]\\]*]//'",
  "echo abcabc | sed -E 's/(a)(b)/\\2\\1/g; s/c$/&&/'; printf 'a\\nb\\nc\\n' | sed -n '2p;$p'",
  "echo a+b | sed 's/a+/x/'; echo aab | sed 's/a\\+/x/'; echo 'a{2}' | sed 's/a{2}/x/'",
  "echo 'Hello World' | tr 'a-z' 'A-Z' | tr -d ' ' | tr -s L; echo a1b22 | tr -dc '0-9\\n'",
  "echo 20240131 | awk '{print substr($0,1,4)\"-\"substr($0,5,2), $1}'; echo a:b:c | awk -F: '{ print $NF $1 }'",
  "printf '1 x\\n2 y\\n' | awk '/y/ {print $1}'; printf '1 x\\n2 y\\n' | awk 'NR==1 {print $2}'",
  "printf 'a\\nb\\nab\\n' | grep -c a; printf 'a\\nb\\n' | grep -v a; echo x | grep -q '^y' || echo no",
  "printf '1\\n2\\n3\\n' | head -2 | tail -n1; echo abcdef | head -c3; echo 'a b c' | wc -w",
  "if false; then echo a; elif true; then echo b; else echo c; fi; if ( true && false ); then echo d; fi",
  "x=1; (x=2; echo $x); echo $x; { x=3; }; echo $x; y=$(echo $x | rev); echo $((y * 2 + 1))",
  "eval 'a=5; echo $a'; eval \"$(echo b=6)\"; echo $b; ! false; echo $?; false | true; echo $?",
  "basename /a/b.tar.gz .gz; dirname /a/b/c; dirname c; basename /a/",
  "date -u -d @1700000000 +%Y-%m-%d; echo x; exit 3; echo y",
];

test.each(["bash", "dash"] as const)("what is imitated is what %s prints", async (shell) => {
  for (const command of commands) {
    const { stdout } = await run(shell, ["-c", command], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      accept: Array.from({ length: 256 }, (_, code) => code),
    });
    const spec = `Name: t\n%description\n<%(${command.replaceAll("%", "%%")})>\n`;
    const { diagnostics, expandedText } = evaluateSpec(parseSpec(spec), {
      macros: standardMacros(),
      shell: { kind: "emulate", shell },
    });
    const unknown = diagnostics.filter(({ code }) => code === "shell-not-run");
    expect({ command, unknown, text: /<([^]*)>/.exec(expandedText)?.[1] }).toEqual({
      command,
      unknown: [],
      text: stdout.replace(/\n+$/, ""),
    });
  }
});

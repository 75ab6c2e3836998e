import type { ShellFacts } from "rpm-parser";
import { runShell } from "./sandbox.ts";

const python = [
  `import sys; sys.stdout.write('{0.major}.{0.minor}'.format(sys.version_info))`,
  `import sys; sys.stdout.write('{0.major}{0.minor}'.format(sys.version_info))`,
  ...["purelib", "platlib"].map(
    (name) =>
      `import sysconfig; print(sysconfig.get_path('${name}', vars={'platbase': '/usr', 'base': '/usr'}))`,
  ),
];

/**
 * What macro files and specs everywhere ask of the machine: the versions of its languages and where
 * their modules go. A base can declare these answers; nothing here looks at any one spec.
 */
const questions: readonly string[] = [
  "uname -m",
  // rpm's own macro file asks whether make can keep the output of parallel jobs apart.
  "/usr/bin/make --version -O",
  "perl -V:version",
  "/usr/bin/perl -V:version",
  ...python.map((script) => `/usr/bin/python3 -Esc "${script}"`),
  `/usr/bin/python3 -Ic "import sys; print('P' if hasattr(sys.flags, 'safe_path') else '')"`,
];

/** The facts about the judge's system that imitating its shell may rest on. */
export function shellFacts(system: string): ShellFacts {
  const answers = Object.fromEntries(
    questions.map((question) => {
      const { output, status } = runShell(system, question);
      // As a shell would split the words: what stands in double quotes is one of them.
      const words = question.replace(/"([^"]*)"$/, "$1");
      return [words, status === 0 ? output : status];
    }),
  );
  const { output } = runShell(system, "readlink -f /bin/sh");
  const shell = /\/(bash|dash)$/.exec(output.trim())?.[1];
  return { answers, ...(shell === "bash" || shell === "dash" ? { shell } : {}) };
}

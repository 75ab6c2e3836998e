import type { ShellFacts } from "rpm-parser";
import { runShell } from "./sandbox.ts";

const scripts = [
  `import sys; sys.stdout.write('{0.major}.{0.minor}'.format(sys.version_info))`,
  `import sys; sys.stdout.write('{0.major}{0.minor}'.format(sys.version_info))`,
  `import sys; print('P' if hasattr(sys.flags, 'safe_path') else '')`,
  `import sysconfig; print(sysconfig.get_platform())`,
  ...["purelib", "platlib"].flatMap((name) => [
    `import sysconfig; print(sysconfig.get_path('${name}'))`,
    `import sysconfig; print(sysconfig.get_path('${name}', vars={'platbase': '/usr', 'base': '/usr'}))`,
  ]),
  ...["", "1"].flatMap((kind) => [
    `from distutils.sysconfig import get_python_lib; print(get_python_lib(${kind}))`,
    `from distutils.sysconfig import get_python_lib;print(get_python_lib(${kind}))`,
  ]),
];

const perlSettings = [
  "version",
  "vendorlib",
  "vendorarch",
  "installvendorlib",
  "installvendorarch",
];

/**
 * What macro files and specs everywhere ask of the machine: the versions of its languages and where
 * their modules go. A base can declare these answers; nothing here looks at any one spec.
 */
const questions: readonly string[] = [
  "uname -m",
  // rpm's own macro file asks whether make can keep the output of parallel jobs apart.
  "/usr/bin/make --version -O",
  ...["perl", "/usr/bin/perl"].flatMap((perl) => perlSettings.map((one) => `${perl} -V:${one}`)),
  ...["python3", "/usr/bin/python3"].flatMap((python) =>
    ["-Esc", "-Ic", "-c"].flatMap((options) =>
      scripts.map((script) => `${python} ${options} "${script}"`),
    ),
  ),
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

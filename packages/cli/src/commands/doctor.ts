import { findCommand, messageOf, run, runInSandbox } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";

interface Finding {
  readonly what: string;
  readonly good: boolean;
  readonly detail: string;
  readonly remedy?: string | undefined;
}

/** Commands that work at the edge, and the Debian package of each. */
const commands = [
  { command: "bwrap", debian: "bubblewrap", use: "sandbox of builds and installs" },
  { command: "flock", debian: "util-linux", use: "locks in the store" },
  { command: "apt-get", debian: "apt", use: "locks and fetches the base" },
  { command: "dpkg-deb", debian: "dpkg", use: "unpacks the tools" },
  { command: "podman", debian: "podman", use: "runs images (or docker)" },
] as const;

async function examine(): Promise<Finding[]> {
  const findings: Finding[] = [
    {
      what: "Node.js",
      good: process.versions.node.startsWith("24."),
      detail: process.versions.node,
    },
  ];
  for (const { command, debian, use } of commands) {
    const file = findCommand(command, ["/usr/sbin", "/sbin"]);
    findings.push({
      what: command,
      good: file !== undefined,
      detail: file === undefined ? `missing: ${use}` : file,
      remedy: file === undefined ? `apt-get install ${debian}` : undefined,
    });
  }
  findings.push(await examineSandbox());
  return findings;
}

async function examineSandbox(): Promise<Finding> {
  try {
    await runInSandbox({ root: "/", only: ["usr", "bin", "lib", "lib64"] }, ["true"]);
    return { what: "sandbox", good: true, detail: "user namespaces work" };
  } catch (error) {
    return {
      what: "sandbox",
      good: false,
      detail: messageOf(error),
      remedy:
        "allow user namespaces: sysctl user.max_user_namespaces=10000, and kernel.apparmor_restrict_unprivileged_userns=0 where that exists",
    };
  }
}

async function doctor(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const findings = await examine();
  const disk = await run("df", ["--output=avail", "-BM", (await session.store()).folder]);
  const freeMegabytes = Number.parseInt(disk.stdout.split("\n")[1] ?? "0", 10);
  findings.push({
    what: "store",
    good: freeMegabytes > 5000,
    detail: `${(await session.store()).folder}, ${freeMegabytes} MB free`,
    remedy: freeMegabytes > 5000 ? undefined : "builds want 5 GB; name another folder with --store",
  });
  session.print(
    findings,
    findings
      .map(
        ({ what, good, detail, remedy }) =>
          `${good ? "good" : "BAD "}  ${what}: ${detail}${remedy === undefined ? "" : `\n      next: ${remedy}`}`,
      )
      .join("\n"),
  );
  if (findings.some(({ good }) => !good)) process.exitCode = 1;
}

export const doctorCommand: CommandModule<object, GlobalOptions> = {
  command: "doctor",
  describe: "What this machine has and lacks, and how to get it",
  handler: doctor,
};

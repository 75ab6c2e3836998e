import { existsSync, readFileSync } from "node:fs";
import { CleanroomError, type Logger, run } from "@cleanroom/core";

/** A program that runs containers, and how to run them on this machine. */
export interface ContainerEngine {
  readonly name: EngineName;
  /** In front of the engine's subcommand. */
  readonly globalArguments: readonly string[];
  /** After `run`. */
  readonly runArguments: readonly string[];
  /** What was adapted to this machine, and why; empty where plain defaults work. */
  readonly adaptations: readonly string[];
}

export type EngineName = "podman" | "docker";

/** What of the machine decides how containers can run; see {@link readMachine}. */
export interface Machine {
  /** This process is root, or root of its namespace. */
  readonly isRoot: boolean;
  /** `CapEff` of /proc/self/status. */
  readonly capabilities: bigint;
  /** cgroup v1 controllers beside a cgroup v2 hierarchy. */
  readonly hybridCgroups: boolean;
  readonly hasRunc: boolean;
}

/** Bit of CAP_SYS_RESOURCE (linux/capability.h): without it no hard limit can be raised. */
const sysResource = 1n << 24n;

const engineNames: readonly EngineName[] = ["podman", "docker"];

/**
 * The first engine that answers: podman, then docker with its daemon.
 *
 * @param wanted the one to use whatever else there is
 * @throws {CleanroomError} `engine-missing`
 */
export async function findEngine(logger: Logger, wanted?: EngineName): Promise<ContainerEngine> {
  for (const name of wanted === undefined ? engineNames : [wanted]) {
    if (!(await answers(name))) continue;
    const engine = adapt(name, readMachine());
    for (const line of engine.adaptations) logger.info(line);
    return engine;
  }
  throw new CleanroomError(
    "engine-missing",
    wanted === undefined
      ? "neither podman nor a running docker is on this machine"
      : `${wanted} does not answer on this machine`,
    { exitCode: 2, hint: "install podman (Debian: apt install podman), or start docker" },
  );
}

async function answers(name: EngineName): Promise<boolean> {
  // Docker's client answers alone; its server is what counts.
  const format = name === "docker" ? "{{.Server.Version}}" : "{{.Client.Version}}";
  try {
    await run(name, ["version", "--format", format], { timeoutMs: 20_000 });
    return true;
  } catch (error) {
    if (error instanceof CleanroomError) return false;
    throw error;
  }
}

/** How to run containers on a machine: plain defaults wherever they work. */
export function adapt(name: EngineName, machine: Machine): ContainerEngine {
  const plain = { name, globalArguments: [], runArguments: [], adaptations: [] };
  if (name !== "podman" || !machine.isRoot) return plain;
  const globalArguments: string[] = [];
  const runArguments: string[] = [];
  const adaptations: string[] = [];
  if ((machine.capabilities & sysResource) === 0n) {
    runArguments.push("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024");
    adaptations.push(
      "this machine withholds CAP_SYS_RESOURCE: the container gets limits of 1024 open files and processes",
    );
  }
  if (machine.hybridCgroups && machine.hasRunc) {
    globalArguments.push("--runtime", "runc");
    adaptations.push("this machine has hybrid cgroups, which crun refuses: podman uses runc");
  }
  return { name, globalArguments, runArguments, adaptations };
}

function readMachine(): Machine {
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  const folders = (process.env["PATH"] ?? "").split(":");
  return {
    isRoot: process.geteuid?.() === 0,
    capabilities: BigInt(`0x${effective}`),
    hybridCgroups:
      existsSync("/sys/fs/cgroup/unified/cgroup.controllers") &&
      !existsSync("/sys/fs/cgroup/cgroup.controllers"),
    hasRunc: [...folders, "/usr/sbin", "/sbin"].some((folder) => existsSync(`${folder}/runc`)),
  };
}

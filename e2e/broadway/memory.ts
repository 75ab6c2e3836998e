import type { Container } from "./container.ts";

/**
 * Memory of each process of a container, in bytes by command and process id: `whole` is its own and
 * its share of what it has in common with others, `written` what no file backs, and so what a leak
 * would be made of (`Pss`, and `Pss_Anon` with `Pss_Shmem`, of /proc/PID/smaps_rollup).
 */
export async function memoryOf(
  container: Container,
  kind: "whole" | "written",
): Promise<Map<string, number>> {
  const keys = kind === "whole" ? "Pss:" : "Pss_Anon:|Pss_Shmem:";
  const script = `for p in /proc/[0-9]*; do read -r name < $p/comm; while read -r key value unit; do case $key in ${keys}) echo "$name \${p#/proc/} $value";; esac; done < $p/smaps_rollup; done 2>/dev/null; true`;
  const memory = new Map<string, number>();
  for (const line of (await container.exec(["bash", "-c", script])).trim().split("\n")) {
    const [name = "", pid = "", kilobytes = ""] = line.split(" ");
    // The one that asks.
    if (name === "bash") continue;
    const process = `${name} ${pid}`;
    memory.set(process, (memory.get(process) ?? 0) + Number(kilobytes) * 1024);
  }
  return memory;
}

export function sumOf(memory: ReadonlyMap<string, number>): number {
  return [...memory.values()].reduce((total, bytes) => total + bytes, 0);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

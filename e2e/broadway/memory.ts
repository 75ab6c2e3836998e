import type { Container } from "./container.ts";

/**
 * Memory of each process of a container, in bytes by command and process id: its own, and its share
 * of what it has in common with others (`Pss` of /proc/PID/smaps_rollup).
 */
export async function memoryOf(container: Container): Promise<Map<string, number>> {
  const script =
    'for p in /proc/[0-9]*; do read -r name < $p/comm; while read -r key value unit; do [ "$key" = Pss: ] && echo "$name ${p#/proc/} $value"; done < $p/smaps_rollup; done 2>/dev/null; true';
  const memory = new Map<string, number>();
  for (const line of (await container.exec(["bash", "-c", script])).trim().split("\n")) {
    const [name = "", pid = "", kilobytes = ""] = line.split(" ");
    // The one that asks.
    if (name !== "bash") memory.set(`${name} ${pid}`, Number(kilobytes) * 1024);
  }
  return memory;
}

export function sumOf(memory: ReadonlyMap<string, number>): number {
  return [...memory.values()].reduce((total, bytes) => total + bytes, 0);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

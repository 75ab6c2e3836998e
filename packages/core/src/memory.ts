import { readdirSync, readFileSync } from "node:fs";

const pageBytes = 4096;

/**
 * Memory that the processes of a session hold (resident set size, proc(5)), shared pages counted
 * in each.
 */
export function sessionMemoryBytes(session: number): number {
  let bytes = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statFields(name);
    if (Number(fields[3]) === session) bytes += Number(fields[21]) * pageBytes;
  }
  return bytes;
}

/** What stands behind the name in /proc/PID/stat; none when the process has gone. */
function statFields(pid: string): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Memory that can be had without swapping, in bytes. */
export function availableMemoryBytes(): number {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Number(kib ?? 0) * 1024;
}

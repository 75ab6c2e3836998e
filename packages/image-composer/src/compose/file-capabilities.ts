import { CleanroomError } from "@cleanroom/core";

/** Names by number (capabilities(7), linux/capability.h). */
const names = [
  ...["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid"],
  ...["setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw"],
  ...["ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct"],
  ...["sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod"],
  ...["lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog"],
  ...["wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"],
];

const revision2 = 0x02_00_00_00;
const effectiveBit = 1;

/**
 * The value of the extended attribute `security.capability` for a text such as
 * `cap_net_raw=ep` (cap_from_text(3) as far as rpm's %caps uses it; `vfs_cap_data`, revision 2).
 *
 * @throws {CleanroomError} `capability-unknown`
 */
export function capabilityAttribute(text: string): Uint8Array {
  let permitted = 0n;
  let inheritable = 0n;
  let effective = false;
  for (const clause of text.trim().split(/\s+/)) {
    const [, list, , flags] = /^([\w,]*)([=+])([eip]*)$/.exec(clause) ?? [];
    if (list === undefined || flags === undefined) throw unknown(text);
    const bits = list === "" || list === "all" ? allBits() : bitsOf(list, text);
    if (flags.includes("p")) permitted |= bits;
    if (flags.includes("i")) inheritable |= bits;
    if (flags.includes("e")) effective = true;
  }
  const value = Buffer.alloc(20);
  value.writeUInt32LE(revision2 | (effective ? effectiveBit : 0), 0);
  value.writeUInt32LE(Number(permitted & 0xff_ff_ff_ffn), 4);
  value.writeUInt32LE(Number(inheritable & 0xff_ff_ff_ffn), 8);
  value.writeUInt32LE(Number(permitted >> 32n), 12);
  value.writeUInt32LE(Number(inheritable >> 32n), 16);
  return value;
}

function allBits(): bigint {
  return (1n << BigInt(names.length)) - 1n;
}

function bitsOf(list: string, text: string): bigint {
  let bits = 0n;
  for (const name of list.split(",")) {
    const number = names.indexOf(name.toLowerCase().replace(/^cap_/, ""));
    if (number < 0) throw unknown(text);
    bits |= 1n << BigInt(number);
  }
  return bits;
}

function unknown(text: string): CleanroomError {
  return new CleanroomError("capability-unknown", `not a file capability: ${text}`, {
    hint: "capabilities(7) has the names",
  });
}

type TarEntryType = "file" | "directory" | "symlink" | "link";

/** One entry of a layer, without its content. */
export interface TarEntry {
  /** Below the image's root, without a leading slash; a directory's ends without one, too. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a regular file; 0 for all else. */
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Target of a symbolic link as it is, or path of the file that a hard link is another name of. */
  readonly linkTarget?: string;
  /** Extended attributes: name to value. */
  readonly attributes?: Readonly<Record<string, Uint8Array>>;
}

const blockBytes = 512;
const typeFlags = { file: "0", link: "1", symlink: "2", directory: "5" } as const;

/** The end of an archive (POSIX.1-2017, pax, "ustar Interchange Format"): two blocks of zeros. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** Zeros after content of this size, up to the next block. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

/**
 * The header blocks of an entry: ustar, with a pax extended header in front where ustar cannot say
 * it (POSIX.1-2017, pax; extended attributes as `SCHILY.xattr.`, as the OCI image specification's
 * layer page has it). No names of users, no access times, nothing of the machine.
 */
export function tarHeader(entry: TarEntry): Uint8Array {
  const path = entry.type === "directory" ? `${entry.path}/` : entry.path;
  const records: [string, Uint8Array][] = [];
  const record = (key: string, value: string): void => {
    records.push([key, Buffer.from(value)]);
  };
  const name = splitName(path);
  if (name === undefined) record("path", path);
  const target = entry.linkTarget ?? "";
  const targetFits = isAscii(target) && target.length <= 100;
  if (!targetFits) record("linkpath", target);
  const number = (key: string, value: number, digits: number): number => {
    if (value >= 0 && value < 8 ** digits) return value;
    record(key, String(value));
    return 0;
  };
  const numbers = {
    uid: number("uid", entry.uid, 7),
    gid: number("gid", entry.gid, 7),
    size: number("size", entry.sizeBytes, 11),
    mtime: number("mtime", entry.mtimeSeconds, 11),
  };
  for (const [key, value] of Object.entries(entry.attributes ?? {}).toSorted(byKey)) {
    records.push([`SCHILY.xattr.${key}`, value]);
  }
  const block = ustarBlock({
    prefix: name?.prefix ?? "",
    name: name?.name ?? asciiTail(path),
    mode: entry.mode,
    ...numbers,
    type: typeFlags[entry.type],
    target: targetFits ? target : asciiTail(target),
  });
  if (records.length === 0) return block;
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  return Buffer.concat([
    ustarBlock({
      prefix: "",
      name: "PaxHeaders/entry",
      mode: 0o644,
      ...{ uid: 0, gid: 0, size: body.length, mtime: 0 },
      type: "x",
      target: "",
    }),
    body,
    tarPadding(body.length),
    block,
  ]);
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^[\x01-\x7f]*$/.test(text);
}

/** Name and prefix of a ustar header; undefined where the path does not fit. */
function splitName(path: string): { prefix: string; name: string } | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= 100) return { prefix: "", name: path };
  const slash = path.indexOf("/", path.length - 101);
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined;
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** What readers that know no pax headers get to see. */
function asciiTail(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "_").slice(-100);
}

function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

interface UstarFields {
  readonly prefix: string;
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly type: string;
  readonly target: string;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function ustarBlock(fields: UstarFields): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  block.write(fields.name, 0, 100, "latin1");
  block.write(octal(fields.mode, 7), 100);
  block.write(octal(fields.uid, 7), 108);
  block.write(octal(fields.gid, 7), 116);
  block.write(octal(fields.size, 11), 124);
  block.write(octal(fields.mtime, 11), 136);
  // The checksum is taken with its own field full of spaces.
  block.write("        ", 148);
  block.write(fields.type, 156);
  block.write(fields.target, 157, 100, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  block.write(octal(0, 7), 329);
  block.write(octal(0, 7), 337);
  block.write(fields.prefix, 345, 155, "latin1");
  let sum = 0;
  for (let at = 0; at < blockBytes; at += 1) sum += block[at] ?? 0;
  block.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return block;
}

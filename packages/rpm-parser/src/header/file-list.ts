import { type HeaderBlob, invalid } from "./header-blob.ts";
import { headerTag } from "./tag-table.ts";

/** rpm's `RPMFILE_*` bits (rpm's `include/rpm/rpmfiles.h`). */
export const fileFlagBits = {
  config: 1 << 0,
  doc: 1 << 1,
  icon: 1 << 2,
  missingok: 1 << 3,
  noreplace: 1 << 4,
  specfile: 1 << 5,
  ghost: 1 << 6,
  license: 1 << 7,
  readme: 1 << 8,
  pubkey: 1 << 11,
  artifact: 1 << 12,
} as const;

export type FileFlag = keyof typeof fileFlagBits;

export type RpmFileType =
  | "file"
  | "directory"
  | "symlink"
  | "character-device"
  | "block-device"
  | "fifo"
  | "socket";

/** One file of a package, as the header describes it. */
export interface RpmFile {
  /** Its place in the header's list; cpio's stripped entries refer to it. */
  readonly index: number;
  /** Absolute; in a source package a bare name. */
  readonly path: string;
  /** The whole `st_mode`, type bits included. */
  readonly mode: number;
  readonly type: RpmFileType;
  readonly user: string;
  readonly group: string;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Lower-case hexadecimal; empty for anything that is not a regular file. */
  readonly digest: string;
  /** Empty unless the file is a symbolic link. */
  readonly linkTarget: string;
  /** All of rpm's bits; see {@link fileFlagBits}. */
  readonly flagBits: number;
  readonly flags: readonly FileFlag[];
  /** Text form of the file capabilities (`cap_net_raw=ep`); empty when none. */
  readonly capabilities: string;
  /** Files of one package with equal inode and device are one file: hard links. */
  readonly inode: number;
  readonly device: number;
  /** Major and minor number of a device file, as `st_rdev` had them. */
  readonly deviceNumber: number;
  /** `%lang` of the file: `de`, or several joined by `|`; empty when none. */
  readonly languages: string;
  /** 1: 32-bit ELF, 2: 64-bit ELF, 0: neither. */
  readonly color: number;
}

const typeOfFormat = new Map<number, RpmFileType>([
  [0o10, "file"],
  [0o04, "directory"],
  [0o12, "symlink"],
  [0o02, "character-device"],
  [0o06, "block-device"],
  [0o01, "fifo"],
  [0o14, "socket"],
]);

/** Longer than any path a kernel takes; a forged header could otherwise multiply its size. */
const pathLengthMax = 64 * 1024;

/** All files of the package, in header order. */
export function readFiles(header: HeaderBlob): readonly RpmFile[] {
  const paths = readFilePaths(header);
  const integers = (tag: number): readonly number[] => sized(header, tag, header.integers(tag));
  const strings = (tag: number): readonly string[] => sized(header, tag, header.strings(tag));
  const sized = <T>(_: HeaderBlob, tag: number, values: readonly T[]): readonly T[] => {
    if (values.length !== 0 && values.length !== paths.length) {
      throw invalid("the main header", `tag ${tag} does not fit its ${paths.length} files`);
    }
    return values;
  };
  const longSizes = integers(headerTag.longFileSizes);
  const sizes = longSizes.length > 0 ? longSizes : integers(headerTag.fileSizes);
  const modes = integers(headerTag.fileModes);
  const users = strings(headerTag.fileUserNames);
  const groups = strings(headerTag.fileGroupNames);
  const times = integers(headerTag.fileModificationTimes);
  const digests = strings(headerTag.fileDigests);
  const targets = strings(headerTag.fileLinkTargets);
  const flags = integers(headerTag.fileFlags);
  const capabilities = strings(headerTag.fileCapabilities);
  const inodes = integers(headerTag.fileInodes);
  const devices = integers(headerTag.fileDevices);
  const deviceNumbers = integers(headerTag.fileDeviceNumbers);
  const languages = strings(headerTag.fileLanguages);
  const colors = integers(headerTag.fileColors);
  return paths.map((path, index) => {
    const mode = modes[index] ?? 0;
    const flagBits = flags[index] ?? 0;
    return {
      index,
      path,
      mode,
      type: typeOfFormat.get(mode >> 12) ?? "file",
      user: users[index] ?? "root",
      group: groups[index] ?? "root",
      sizeBytes: sizes[index] ?? 0,
      mtimeSeconds: times[index] ?? 0,
      digest: digests[index] ?? "",
      linkTarget: targets[index] ?? "",
      flagBits,
      flags: fileFlags(flagBits),
      capabilities: capabilities[index] ?? "",
      inode: inodes[index] ?? index + 1,
      device: devices[index] ?? 1,
      deviceNumber: deviceNumbers[index] ?? 0,
      languages: languages[index] ?? "",
      color: colors[index] ?? 0,
    };
  });
}

const flagSets = new Map<number, readonly FileFlag[]>();

/** Files share few combinations of flags, so each list is made once. */
function fileFlags(bits: number): readonly FileFlag[] {
  const known = flagSets.get(bits);
  if (known !== undefined) return known;
  const names = (Object.keys(fileFlagBits) as FileFlag[]).filter(
    (name) => (bits & fileFlagBits[name]) !== 0,
  );
  // A forged header must not grow the shared table.
  if (flagSets.size < 256) flagSets.set(bits, names);
  return names;
}

/** The paths of the package's files, in header order. */
export function readFilePaths(header: HeaderBlob): readonly string[] {
  const old = header.strings(headerTag.oldFileNames);
  if (old.length > 0) return old;
  const names = header.strings(headerTag.baseNames);
  const directories = header.strings(headerTag.directoryNames);
  const indexes = header.integers(headerTag.directoryIndexes);
  if (indexes.length !== names.length) {
    throw invalid("the main header", "its file names and directory indexes differ in length");
  }
  return names.map((name, index) => {
    const directory = directories[indexes[index] ?? -1];
    if (directory === undefined) {
      throw invalid("the main header", `file ${index} is in a directory that is not listed`);
    }
    if (directory.length + name.length > pathLengthMax) {
      throw invalid("the main header", `the path of file ${index} is too long`);
    }
    return directory + name;
  });
}

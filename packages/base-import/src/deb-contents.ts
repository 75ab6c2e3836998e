import { CleanroomError } from "@cleanroom/core";

/** One entry of a package's data archive. */
export interface DebEntry {
  /** Absolute path. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "other";
  /** Permission bits with setuid, setgid and sticky, such as 0o4755. */
  readonly mode: number;
  readonly user: string;
  readonly group: string;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** What is known of one .deb before it is converted. */
export interface DebContents {
  readonly control: string;
  readonly conffiles: string;
  readonly shlibs: string;
  readonly entries: readonly DebEntry[];
  /** What rpm's elfdeps says that the files need. */
  readonly elfRequires: readonly string[];
}

/**
 * Reads the listing that GNU tar prints with `--list --verbose --full-time --quoting-style=c`
 * and TZ=UTC. Entries with `..` in their path are refused.
 *
 * @throws {CleanroomError} `deb-listing`
 */
export function parseListing(listing: string, deb: string): DebEntry[] {
  return listing.split("\n").flatMap((line): DebEntry[] => {
    if (line === "") return [];
    const match =
      /^([-dlhcbps])(\S{9})\S? +([^/\s]+)\/(\S+) +\S+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ("(?:[^"\\]|\\.)*")/.exec(
        line,
      );
    const [, type, bits, user, group, date, time, quoted] = match ?? [];
    if (type === undefined || bits === undefined || quoted === undefined) {
      throw new CleanroomError("deb-listing", `tar's listing is not understood: ${line}`, {
        place: { step: deb },
      });
    }
    const name = unquote(quoted)
      .replace(/^\.?\/*/, "")
      .replace(/\/+$/, "");
    if (name === "") return [];
    if (name.split("/").includes("..")) {
      throw new CleanroomError("deb-listing", `an entry leaves the package's root: ${name}`, {
        place: { step: deb },
      });
    }
    return [
      {
        path: `/${name}`,
        kind:
          type === "d"
            ? "folder"
            : type === "l"
              ? "link"
              : type === "-" || type === "h"
                ? "file"
                : "other",
        mode: modeOf(bits),
        user: user ?? "root",
        group: group ?? "root",
        mtime: Date.parse(`${date}T${time}Z`) / 1000,
      },
    ];
  });
}

function unquote(quoted: string): string {
  const escapes: Record<string, string> = {
    n: "\n",
    t: "\t",
    r: "\r",
    a: "\u0007",
    b: "\b",
    f: "\f",
    v: "\v",
  };
  const bytes: number[] = [];
  const push = (text: string): void => {
    bytes.push(...Buffer.from(text));
  };
  const body = quoted.slice(1, -1);
  for (let index = 0; index < body.length; index += 1) {
    const octal = /^\\([0-7]{3})/.exec(body.slice(index, index + 4));
    if (octal?.[1] !== undefined) {
      bytes.push(Number.parseInt(octal[1], 8));
      index += 3;
    } else if (body[index] === "\\") {
      const next = body[index + 1] ?? "";
      push(escapes[next] ?? next);
      index += 1;
    } else {
      const point = String.fromCodePoint(body.codePointAt(index) ?? 0);
      push(point);
      index += point.length - 1;
    }
  }
  return Buffer.from(bytes).toString("utf8");
}

/** `rwsr-xr-t` as bits. */
function modeOf(bits: string): number {
  let mode = 0;
  for (const [index, letter] of bits.split("").entries()) {
    const special = index === 2 ? 0o4000 : index === 5 ? 0o2000 : index === 8 ? 0o1000 : 0;
    if (letter === "s" || letter === "t") mode |= special | (1 << (8 - index));
    else if (letter === "S" || letter === "T") mode |= special;
    else if (letter !== "-") mode |= 1 << (8 - index);
  }
  return mode;
}

/** The sonames that a shlibs file says its package supplies. Debian Policy 8.6. */
export function sonamesOf(shlibs: string): string[] {
  return shlibs.split("\n").flatMap((line) => {
    const [first, second, third] = line.trim().split(/\s+/);
    // An optional type such as `udeb:` may stand first.
    const [name, version] = first?.endsWith(":") === true ? [second, third] : [first, second];
    if (name === undefined || version === undefined || name === "") return [];
    // Both `libNAME.so.VERSION` and `NAME-VERSION.so` are written this way.
    return [`${name}.so.${version}`, `${name}-${version}.so`];
  });
}

import { CleanroomError } from "@cleanroom/core";
import type { ImageFile } from "../image-file.ts";

/** The account files of an image, and the numbers that names stand for in it. */
export interface Accounts {
  /** Content of /etc/passwd. */
  readonly passwd: string;
  /** Content of /etc/group. */
  readonly group: string;
  readonly uids: ReadonlyMap<string, number>;
  readonly gids: ReadonlyMap<string, number>;
  /** Primary group of each uid in /etc/passwd. */
  readonly primaryGids: ReadonlyMap<number, number>;
}

/** What an image without any account package knows: files are root's. */
const rootLine = "root:x:0:0:root:/root:/usr/sbin/nologin\n";
const rootGroupLine = "root:x:0:\n";

/**
 * Adds the accounts of image.yaml to the root's own passwd(5) and group(5).
 *
 * @param passwd content of the root's /etc/passwd; empty when there is none
 * @throws {CleanroomError} `account-conflict` when a name or number is taken, or a group unknown
 */
export function addAccounts(
  passwd: string,
  group: string,
  accounts: ImageFile["accounts"],
): Accounts {
  const users = lines(passwd === "" ? rootLine : passwd);
  const groups = lines(group === "" ? rootGroupLine : group);
  for (const [name, account] of Object.entries(accounts).toSorted(byKey)) {
    const gid = account.gid ?? account.uid;
    const conflict = users.find(
      (line) => field(line, 0) === name || Number(field(line, 2)) === account.uid,
    );
    if (conflict !== undefined) throw taken(`account ${name} (uid ${account.uid})`, conflict);
    const known = groups.find((line) => field(line, 0) === name);
    if (known !== undefined && Number(field(known, 2)) !== gid) {
      throw taken(`group ${name} (gid ${gid})`, known);
    }
    if (known === undefined && !groups.some((line) => Number(field(line, 2)) === gid)) {
      groups.push(`${name}:x:${gid}:`);
    }
    const home = account.home ?? "/";
    users.push(`${name}:x:${account.uid}:${gid}:${account.comment}:${home}:${account.shell}`);
    for (const extra of account.groups) {
      const index = groups.findIndex((line) => field(line, 0) === extra);
      const line = groups[index];
      if (line === undefined) {
        throw new CleanroomError("account-conflict", `account ${name}: no group ${extra}`, {
          exitCode: 2,
          hint: `the groups of this image are ${groups.map((one) => field(one, 0)).join(", ")}`,
        });
      }
      groups[index] = line.endsWith(":") ? `${line}${name}` : `${line},${name}`;
    }
  }
  const numbers = (from: readonly string[]): Map<string, number> =>
    new Map(from.map((line) => [field(line, 0), Number(field(line, 2))]));
  return {
    passwd: `${users.join("\n")}\n`,
    group: `${groups.join("\n")}\n`,
    uids: numbers(users),
    gids: numbers(groups),
    primaryGids: new Map(users.map((line) => [Number(field(line, 2)), Number(field(line, 3))])),
  };
}

function field(line: string, index: number): string {
  return line.split(":")[index] ?? "";
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function taken(what: string, by: string): CleanroomError {
  return new CleanroomError("account-conflict", `${what} is taken by: ${by}`, {
    exitCode: 2,
    hint: "choose another name or number in image.yaml, under accounts",
  });
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

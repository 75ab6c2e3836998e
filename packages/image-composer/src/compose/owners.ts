import { CleanroomError } from "@cleanroom/core";
import type { Accounts } from "./accounts.ts";

/** Numbers of the accounts that files and image.yaml name. */
export interface Owners {
  uid(user: string): number;
  gid(group: string): number;
}

/** @throws {CleanroomError} `account-unknown`, from its functions */
export function ownersOf(accounts: Pick<Accounts, "uids" | "gids">): Owners {
  return {
    uid: (user) => numberOf(accounts.uids, user, "user"),
    gid: (group) => numberOf(accounts.gids, group, "group"),
  };
}

function numberOf(numbers: ReadonlyMap<string, number>, name: string, what: string): number {
  const number = numbers.get(name);
  if (number !== undefined) return number;
  throw new CleanroomError("account-unknown", `the image has no ${what} ${name}`, {
    exitCode: 2,
    hint: "add it to image.yaml under accounts, or install the package that brings it",
  });
}

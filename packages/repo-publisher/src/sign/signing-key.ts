import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  isMissingFile,
  type Logger,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { z } from "zod";

/** What every operation of this package works with. */
export interface PublisherContext {
  readonly store: Store;
  readonly tools: Tools;
  readonly logger: Logger;
}

/** One OpenPGP key with its secret. */
export interface KeyPair {
  /** 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** Seconds since 1970. */
  readonly createdSeconds: number;
  /** ASCII armour. */
  readonly publicKey: string;
  /** GnuPG's folder with the secret key; only ever copied from, never worked in. */
  readonly home: string;
}

/** An OpenPGP key of the store that signs packages and metadata. */
export interface SigningKey extends KeyPair {
  readonly name: string;
  /**
   * The keys before it that clients may still know: until their time is over they sign the metadata
   * too, and stand in the file of public keys.
   */
  readonly retiring: readonly KeyPair[];
}

const fingerprintSchema = z.string().regex(/^[0-9A-F]{40}$/);

/** Where a key lies below the folder of its name. */
const keyFolderSchema = z.string().regex(/^(\.|key[\w.]*)$/);

const keyRecordSchema = z.strictObject({
  version: z.literal(1),
  fingerprint: fingerprintSchema,
  /** Seconds since 1970, as all times here. */
  createdSeconds: z.int(),
  /** Absent for a key that does not expire. */
  expiresSeconds: z.int().optional(),
  folder: keyFolderSchema.default("."),
  retiring: z
    .array(
      z.strictObject({
        fingerprint: fingerprintSchema,
        createdSeconds: z.int(),
        folder: keyFolderSchema,
        /** When clients must know the newer key. */
        untilSeconds: z.int(),
      }),
    )
    .default([]),
});

/** What `key.json` says. */
export type KeyRecord = z.infer<typeof keyRecordSchema>;

/** Where a command in the sandbox finds the key, and the script that makes it ready to use. */
export const keyMount = "/key";

/**
 * GnuPG writes into its home folder, locks included, and judges those locks by process ids, which
 * mean nothing across sandboxes: so every sandbox works in its own copy, on its own /tmp. The agent
 * that gpg starts is ended by hand: should the publisher be killed at a bad moment, it alone would
 * keep the sandbox up for ever.
 */
export const useKeyScript = `
export GNUPGHOME=/tmp/gnupg
trap 'gpgconf --kill gpg-agent' EXIT
cp -r ${keyMount} "$GNUPGHOME"
chmod 700 "$GNUPGHOME"
`;

/** All public keys that clients may trust, the newest first, as one text. */
export function publicKeys({ publicKey, retiring }: SigningKey): string {
  return [publicKey, ...retiring.map((one) => one.publicKey)].join("");
}

export function keyFolder(store: Store, name: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new CleanroomError("key-name", `a key cannot be called ${JSON.stringify(name)}`, {
      exitCode: 2,
      hint: "use letters, digits, dots, hyphens and underscores",
    });
  }
  return store.path("keys", name);
}

/**
 * The record of a name's keys; undefined when there is none of this name.
 *
 * @throws CleanroomError `key-unreadable`
 */
export async function readKeyRecord(store: Store, name: string): Promise<KeyRecord | undefined> {
  const file = path.join(keyFolder(store, name), "key.json");
  try {
    return keyRecordSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw unreadableKey(store, name, error);
  }
}

/**
 * A key that is in the store; undefined when there is none of this name.
 *
 * @throws CleanroomError `key-unreadable`, `key-expired`
 */
export async function readKey(store: Store, name: string): Promise<SigningKey | undefined> {
  const record = await readKeyRecord(store, name);
  if (record === undefined) return undefined;
  const nowSeconds = Date.now() / 1000;
  if (record.expiresSeconds !== undefined && record.expiresSeconds <= nowSeconds) {
    throw new CleanroomError("key-expired", `the signing key ${name} has expired`, {
      hint: "rotate it, or import its renewed form under another name",
    });
  }
  const pair = async (
    one: Pick<KeyRecord, "fingerprint" | "createdSeconds" | "folder">,
  ): Promise<KeyPair> => {
    const folder = path.join(keyFolder(store, name), one.folder);
    const publicKey = await readFile(path.join(folder, "public.asc"), "utf8");
    const { fingerprint, createdSeconds } = one;
    return { fingerprint, createdSeconds, publicKey, home: path.join(folder, "gnupg") };
  };
  try {
    const known = record.retiring.filter((one) => one.untilSeconds > nowSeconds);
    return { name, ...(await pair(record)), retiring: await Promise.all(known.map(pair)) };
  } catch (error) {
    throw unreadableKey(store, name, error);
  }
}

function unreadableKey(store: Store, name: string, cause: unknown): CleanroomError {
  const folder = keyFolder(store, name);
  return new CleanroomError("key-unreadable", `the signing key ${name} is damaged`, {
    place: { file: folder },
    cause,
    hint: `restore ${folder} from a backup, or move it away: a new key will be made, which clients must be told to trust`,
  });
}

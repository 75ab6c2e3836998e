import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError } from "../error.ts";
import { isMissingFile, uniqueName } from "../files.ts";

/** A public key as people copy it: `ed25519:` and the base64 of its 32 bytes. */
export type PublicKeyText = string;

const publicKeyPattern = /^ed25519:[A-Za-z0-9+/]{43}=$/;

export function isPublicKeyText(text: string): boolean {
  return publicKeyPattern.test(text);
}

/** What signs the results of this store. */
export interface ResultKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKeyText;
}

export function publicKeyOf(text: PublicKeyText): KeyObject {
  const x = Buffer.from(text.slice("ed25519:".length), "base64").toString("base64url");
  return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
}

function publicKeyText(key: KeyObject): PublicKeyText {
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  return `ed25519:${Buffer.from(x, "base64url").toString("base64")}`;
}

/**
 * The store's own key, in a file that only its owner can read; made when it is not there yet.
 *
 * @throws {CleanroomError} `key-unreadable`
 */
export async function resultKey(file: string): Promise<ResultKey> {
  for (;;) {
    try {
      const privateKey = createPrivateKey(await readFile(file, "utf8"));
      if (privateKey.asymmetricKeyType === "ed25519") {
        return { privateKey, publicKey: publicKeyText(privateKey) };
      }
    } catch (error) {
      if (!isMissingFile(error)) throw unreadable(file, error);
      await makeKey(file);
      continue;
    }
    throw unreadable(file);
  }
}

/** Of several processes that make it at once, one wins: link(2) replaces nothing. */
async function makeKey(file: string): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const temporary = path.join(folder, uniqueName(`.${path.basename(file)}`));
  const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
  try {
    await writeFile(temporary, pem, { mode: 0o600, flush: true });
    await link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function unreadable(file: string, cause?: unknown): CleanroomError {
  return new CleanroomError("key-unreadable", "this is no ed25519 key that signs build results", {
    place: { file },
    cause,
    hint: "put a key in PKCS#8 there, or remove the file: a new key is made, which others must trust",
    exitCode: 2,
  });
}

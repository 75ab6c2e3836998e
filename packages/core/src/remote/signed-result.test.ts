import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { ActionResult } from "../action-result.ts";
import { sha256 } from "../digest.ts";
import { resultKey, type ResultKey } from "./signing-key.ts";
import { believeResult, signResult } from "./signed-result.ts";

const key = sha256("action");
const result: ActionResult = {
  outputs: [{ name: "a-1-1.noarch.rpm", sha256: sha256("a"), size: 1 }],
  facts: { package: "a", buildMs: 12 },
};

let signer: ResultKey;
let trusted: ReadonlySet<string>;

beforeAll(async () => {
  signer = await resultKey(path.join(await mkdtemp(path.join(tmpdir(), "keys-")), "key.pem"));
  trusted = new Set([signer.publicKey]);
});

test("what a trusted key signed is believed", () => {
  expect(believeResult(signResult(key, result, signer), key, trusted)).toEqual(result);
});

test("the same result has the same envelope", () => {
  const other = { facts: { buildMs: 12, package: "a" }, outputs: result.outputs };
  expect(signResult(key, other, signer)).toBe(signResult(key, result, signer));
});

test("what a stranger signed is not, and the stranger is named", () => {
  const text = signResult(key, result, signer);
  expect(() => believeResult(text, key, new Set())).toThrow(
    expect.objectContaining({
      message: "is signed by no key that is trusted",
      strangers: [signer.publicKey],
    }),
  );
});

test("a result of another action is not believed", () => {
  const text = signResult(sha256("another"), result, signer);
  expect(() => believeResult(text, key, trusted)).toThrow("is that of another action");
});

test("no change of the text is believed", () => {
  const text = signResult(key, result, signer);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(text);
      changed[at] = byte;
      // Some changes leave what is said as it was: base64 has bits to spare.
      expect(["UnbelievedResult", result]).toContainEqual(
        outcomeOf(() => believeResult(changed.toString("latin1"), key, trusted)),
      );
    }),
    { numRuns: 500 },
  );
});

/** What comes of it, or the name of the error. */
function outcomeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return (error as Error).name;
  }
}

/** What a trusted key signed, whatever it is. */
function signedAnyway(body: unknown): string {
  const payloadType = "application/vnd.cleanroom.action-result+json";
  const bytes = Buffer.from(JSON.stringify(body));
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `),
    bytes,
  ]);
  const sig = sign(null, signed, signer.privateKey).toString("base64");
  return JSON.stringify({
    payloadType,
    payload: bytes.toString("base64"),
    signatures: [{ keyid: signer.publicKey, sig }],
  });
}

test.each(["../a.rpm", "/a.rpm", "a/b", "..", ".", "", "a\0b"])(
  "an output called %j is refused even from a trusted key",
  (name) => {
    const output = { name, sha256: sha256("a"), size: 1 };
    const text = signedAnyway({ version: 1, key, result: { outputs: [output], facts: {} } });
    expect(() => believeResult(text, key, trusted)).toThrow("content of another version");
  },
);

test("a later version of the content is refused", () => {
  const text = signedAnyway({ version: 2, key, result });
  expect(() => believeResult(text, key, trusted)).toThrow("content of another version");
  expect(believeResult(signedAnyway({ version: 1, key, result }), key, trusted)).toEqual(result);
});

test.each([
  ["nothing", ""],
  ["a page", "<html>It works!</html>"],
  ["another JSON", "[]"],
  ["no signature", JSON.stringify({ payloadType: "x", payload: "", signatures: [] })],
  ["deep JSON", "[".repeat(1 << 20)],
  ["much base64", JSON.stringify({ payloadType: "x", payload: "A".repeat(1 << 20) })],
])("%s is no signed result", (_what, text) => {
  expect(() => believeResult(text, key, trusted)).toThrow("is no signed action result");
});

test("a key of another kind signs nothing", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  const other = `ed25519:${Buffer.from(x, "base64url").toString("base64")}`;
  const text = signResult(key, result, signer).replace(signer.publicKey, other);
  expect(() => believeResult(text, key, new Set([other]))).toThrow("a signature that is not right");
});

test("processes that make a store's key at once get one key, which only its owner can read", async () => {
  const file = path.join(await mkdtemp(path.join(tmpdir(), "keys-")), "keys", "key.pem");
  const keys = await Promise.all(Array.from({ length: 8 }, () => resultKey(file)));
  expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
});

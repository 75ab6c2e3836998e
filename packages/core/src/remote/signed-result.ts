import { sign, verify } from "node:crypto";
import { z } from "zod";
import { canonicalJson, type Json, type Sha256 } from "../digest.ts";
import type { ActionResult } from "../action-result.ts";
import { isPublicKeyText, publicKeyOf, type PublicKeyText, type ResultKey } from "./signing-key.ts";

/** Bytes that a signed result may have: some thousand outputs. */
export const longestSignedResult = 1 << 20;

const payloadType = "application/vnd.cleanroom.action-result+json";

const envelopeSchema = z.object({
  payloadType: z.literal(payloadType),
  payload: z.base64(),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.base64() })).max(16),
});

/** What the signature is over. The key is in it: a result of one action is not one of another. */
const payloadSchema = z.strictObject({
  version: z.literal(1),
  key: z.string().regex(/^[0-9a-f]{64}$/),
  result: z.strictObject({
    outputs: z
      .array(
        z.strictObject({
          // Becomes the name of a file.
          name: z
            .string()
            .max(255)
            .regex(/^(?!\.{1,2}$)[^/\0]+$/),
          sha256: z.string().regex(/^[0-9a-f]{64}$/),
          size: z.int().nonnegative(),
        }),
      )
      .max(4096),
    facts: z.record(z.string(), z.json()),
  }),
});

/** Why a result from elsewhere is not believed. */
export class UnbelievedResult extends Error {
  /** Keys that signed it, where the reason is that none of them is trusted. */
  readonly strangers: readonly string[];

  constructor(message: string, strangers: readonly string[] = []) {
    super(message);
    this.name = "UnbelievedResult";
    this.strangers = strangers;
  }
}

/**
 * An action result as others get it: a DSSE envelope (in-toto's Dead Simple Signing Envelope, v1)
 * with an ed25519 signature.
 */
export function signResult(key: Sha256, result: ActionResult, signer: ResultKey): string {
  const { outputs, facts } = result;
  const body = Buffer.from(canonicalJson({ version: 1, key, result: { outputs, facts } as Json }));
  const sig = sign(null, signedBytes(body), signer.privateKey).toString("base64");
  return JSON.stringify({
    payloadType,
    payload: body.toString("base64"),
    signatures: [{ keyid: signer.publicKey, sig }],
  });
}

/**
 * Reads what another machine says an action makes. Nothing of it is looked at before a trusted key
 * was found to have signed it.
 *
 * @throws {UnbelievedResult}
 */
export function believeResult(
  text: string,
  key: Sha256,
  trusted: ReadonlySet<PublicKeyText>,
): ActionResult {
  const envelope = envelopeSchema.safeParse(parseJson(text));
  if (!envelope.success) throw new UnbelievedResult("is no signed action result");
  const { payload, signatures } = envelope.data;
  const body = Buffer.from(payload, "base64");
  const known = signatures.filter(({ keyid }) => trusted.has(keyid));
  if (known.length === 0) {
    const strangers = signatures.map(({ keyid }) => keyid).filter(isPublicKeyText);
    throw new UnbelievedResult("is signed by no key that is trusted", strangers);
  }
  const isSigned = known.some(({ keyid, sig }) =>
    verify(null, signedBytes(body), publicKeyOf(keyid), Buffer.from(sig, "base64")),
  );
  if (!isSigned) throw new UnbelievedResult("bears a signature that is not right");
  const signed = payloadSchema.safeParse(parseJson(body.toString()));
  if (!signed.success) throw new UnbelievedResult("has a content of another version");
  if (signed.data.key !== key) throw new UnbelievedResult("is that of another action");
  return signed.data.result;
}

/** DSSE's pre-authentication encoding. */
function signedBytes(body: Buffer): Buffer {
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `;
  return Buffer.concat([Buffer.from(head), body]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isMissingFile, type Store, writeFileAtomic } from "@cleanroom/core";
import { type JsonBlob, jsonBlob, mediaTypes } from "../describe/oci-image.ts";
import type { RegistryClient } from "./registry-client.ts";

/** The pair that signs images, in PEM. */
export interface ImageKey {
  /** ECDSA on P-256, PKCS #8. */
  readonly privateKey: string;
  /** What `cosign verify --key` takes. */
  readonly publicKey: string;
}

/** cosign's media type of what is signed (sigstore's "Cosign Signature Specifications"). */
const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureAnnotation = "dev.cosignproject.cosign/signature";

/** The user's own key for images, made when there is none: `keys/image.pem` in the store. */
export async function imageKey(store: Store): Promise<ImageKey> {
  return store.withLock("image-key", async () => {
    const file = store.path("keys", "image.pem");
    const known = await readFile(file, "utf8").catch((error: unknown) => {
      if (isMissingFile(error)) return undefined;
      throw error;
    });
    const privateKey = known ?? (await makeKey(file));
    const publicKey = createPublicKey(createPrivateKey(privateKey)).export({
      type: "spki",
      format: "pem",
    });
    return { privateKey, publicKey: publicKey.toString() };
  });
}

async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeFileAtomic(file, privateKey, 0o600);
  return privateKey;
}

/** A signature of a manifest, as cosign keeps it beside the image. */
export interface ManifestSignature {
  /** cosign finds signatures by a tag made of the digest. */
  readonly tag: string;
  readonly payload: JsonBlob;
  readonly config: JsonBlob;
  readonly manifest: JsonBlob;
}

/**
 * Signs a manifest's digest the way `cosign sign --key` does without a transparency log.
 *
 * @param repository `REGISTRY/REPOSITORY`, which the signature is for
 * @param digest `sha256:...` of the manifest
 */
export function signManifest(
  key: Pick<ImageKey, "privateKey">,
  repository: string,
  digest: string,
): ManifestSignature {
  const payload = jsonBlob(payloadType, {
    critical: {
      identity: { "docker-reference": repository },
      image: { "docker-manifest-digest": digest },
      type: "cosign container image signature",
    },
    optional: null,
  });
  const signature = sign("sha256", payload.bytes, createPrivateKey(key.privateKey));
  // cosign reads a signature as an image of one layer, so it has an image's configuration.
  const config = jsonBlob(mediaTypes.config, {
    ...{ architecture: "", os: "", config: {} },
    rootfs: { type: "layers", diff_ids: [payload.descriptor.digest] },
  });
  const manifest = jsonBlob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [
      {
        ...payload.descriptor,
        annotations: { [signatureAnnotation]: signature.toString("base64") },
      },
    ],
  });
  return { tag: `${digest.replace(":", "-")}.sig`, payload, config, manifest };
}

export async function pushSignature(
  client: RegistryClient,
  { tag, payload, config, manifest }: ManifestSignature,
): Promise<void> {
  for (const { bytes, descriptor } of [config, payload]) {
    if (!(await client.hasBlob(descriptor.digest))) {
      await client.pushBytes(descriptor.digest, bytes);
    }
  }
  await client.putManifest(tag, mediaTypes.manifest, manifest.bytes);
}

import type { PublisherContext } from "./signing-key.ts";

/** Whoever signs packages and metadata: a key of the store, or a command of the user's. */
export interface Signer {
  /** Of the key that signs packages; 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** Of all keys that sign the metadata, that one first. */
  readonly fingerprints: readonly string[];
  /** All public keys that clients may trust, in ASCII armour. */
  readonly publicKeys: string;
  /** Signs the .rpm files of these names in `folder`, in place. */
  signFiles(context: PublisherContext, folder: string, names: readonly string[]): Promise<void>;
  /** A detached signature over `text`, in ASCII armour. */
  signText(context: PublisherContext, text: string): Promise<string>;
}

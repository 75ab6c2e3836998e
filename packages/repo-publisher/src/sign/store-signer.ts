import { readFile } from "node:fs/promises";
import path from "node:path";
import { runInSandbox, writeFileAtomic } from "@cleanroom/core";
import { joinSignatures } from "./openpgp-armor.ts";
import type { Signer } from "./signer.ts";
import {
  type KeyPair,
  keyMount,
  type PublisherContext,
  publicKeys,
  type SigningKey,
  useKeyScript,
} from "./signing-key.ts";

/**
 * Signs with a key of the store, by rpmsign and gpg in a sandbox that sees the key and what it
 * signs. While an older key is retiring, its signature over the metadata stands beside the new one.
 */
export function storeSigner(key: SigningKey): Signer {
  return {
    fingerprint: key.fingerprint,
    fingerprints: [key.fingerprint, ...key.retiring.map((one) => one.fingerprint)],
    publicKeys: publicKeys(key),
    async signFiles(context, folder, names) {
      await runWithKey(context, key, folder, signFilesScript, names);
    },
    async signText(context, text) {
      const signatures: string[] = [];
      for (const pair of [key, ...key.retiring]) {
        signatures.push(await signTextWith(context, pair, text));
      }
      return joinSignatures(signatures);
    },
  };
}

function signTextWith(context: PublisherContext, pair: KeyPair, text: string): Promise<string> {
  return context.store.withTemporaryFolder("sign", async (folder) => {
    await writeFileAtomic(path.join(folder, "data"), text);
    await runWithKey(context, pair, folder, signTextScript, []);
    return readFile(path.join(folder, "data.asc"), "utf8");
  });
}

/**
 * Every signature of a key bears the time at which the key was made. So a signature depends on
 * what is signed and on the key alone, and one package signed twice is the same bytes.
 */
async function runWithKey(
  { tools }: PublisherContext,
  pair: KeyPair,
  folder: string,
  script: string,
  args: readonly string[],
): Promise<void> {
  await runInSandbox(
    {
      root: tools.root,
      mounts: [
        { source: pair.home, target: keyMount },
        { source: folder, target: "/job", writable: true },
      ],
      cwd: "/job",
    },
    ["sh", "-euc", script, "sh", pair.fingerprint, `${pair.createdSeconds}!`, ...args],
    { step: "sign" },
  );
}

// Copies may be read-only, as blobs of the store are; rpmsign writes in place.
const signFilesScript = `
fingerprint=$1; time=$2; shift 2
${useKeyScript}
chmod u+w -- "$@"
rpmsign --define "_gpg_name $fingerprint" --define '_gpg_digest_algo sha256' \
  --define "_gpg_sign_cmd_extra_args --faked-system-time $time" \
  --define '_tmppath /tmp' --addsign "$@" >/tmp/log 2>&1 </dev/null || { cat /tmp/log >&2; exit 1; }
`;

const signTextScript = `
${useKeyScript}
gpg --batch --quiet --no-tty --faked-system-time "$2" --digest-algo sha256 --local-user "$1" \
  --armor --detach-sign data
gpg --batch --quiet --no-tty --verify data.asc data
`;

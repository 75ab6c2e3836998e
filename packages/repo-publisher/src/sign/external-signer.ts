import { readFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, run, runInSandbox, writeFileAtomic } from "@cleanroom/core";
import { signaturePackets } from "./openpgp-armor.ts";
import type { Signer } from "./signer.ts";
import type { PublisherContext } from "./signing-key.ts";

/** A command of the user's that has the secret key: a card, a vault, another machine. */
export interface ExternalSigner {
  /**
   * Reads what to sign on standard input and prints a detached OpenPGP signature in ASCII armour,
   * as `gpg --detach-sign --armor` does. It runs on the host, with the user's environment.
   */
  readonly command: readonly [string, ...string[]];
  /** 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** In ASCII armour. */
  readonly publicKey: string;
}

/** Signs through a command. The secret key is never seen, and rpmsign needs none. */
export function externalSigner({ command, fingerprint, publicKey }: ExternalSigner): Signer {
  return {
    fingerprint,
    fingerprints: [fingerprint],
    publicKeys: publicKey,
    async signFiles(context, folder, names) {
      await writeFileAtomic(path.join(folder, "collect"), collectScript);
      await writeFileAtomic(path.join(folder, "give"), giveScript);
      await inSandbox(context, folder, collectAllScript, names);
      for (const name of names) {
        const header = await readFile(path.join(folder, `${name}.data`));
        const signature = signaturePackets(await ask(command, header));
        await writeFileAtomic(path.join(folder, `${name}.signature`), signature);
      }
      await inSandbox(context, folder, giveAllScript, names);
    },
    signText: (_context, text) => ask(command, text),
  };
}

async function ask(
  [program, ...args]: ExternalSigner["command"],
  input: string | Uint8Array,
): Promise<string> {
  const { stdout } = await run(program, args, { input, step: "the signing command" });
  if (signaturePackets(stdout).length > 0) return stdout;
  throw new CleanroomError("signing-command", `${program} printed no OpenPGP signature`, {
    place: { step: "the signing command" },
    hint: "it must print what `gpg --detach-sign --armor` prints",
  });
}

async function inSandbox(
  { tools }: PublisherContext,
  folder: string,
  script: string,
  names: readonly string[],
): Promise<void> {
  const mounts = [{ source: folder, target: "/job", writable: true }];
  await runInSandbox(
    { root: tools.root, mounts, cwd: "/job" },
    ["sh", "-euc", script, "sh", ...names],
    { step: "sign packages" },
  );
}

// rpmsign asks a program for the signature. The first time that program notes what is to be signed,
// and gives nothing; the second time it hands over what the user's command made of it.
const collectScript = `cat > "$1"\n`;
const giveScript = `cat > /dev/null; cp "$1" "$2"\n`;

const collectAllScript = `
chmod u+w -- "$@"
for name; do
  rpmsign --define '_gpg_name external' --define '_tmppath /tmp' \
    --define "__gpg_sign_cmd /bin/sh sh /job/collect /job/$name.data" \
    --addsign "$name" >/tmp/log 2>&1 </dev/null || true
  test -s "$name.data" || { cat /tmp/log >&2; exit 1; }
done
`;

const giveAllScript = `
for name; do
  rpmsign --define '_gpg_name external' --define '_tmppath /tmp' \
    --define "__gpg_sign_cmd /bin/sh sh /job/give /job/$name.signature %{__signature_filename}" \
    --addsign "$name" >/tmp/log 2>&1 </dev/null || { cat /tmp/log >&2; exit 1; }
done
`;

import { z } from "zod";
import { CleanroomError } from "../error.ts";
import { isPublicKeyText, type PublicKeyText } from "./signing-key.ts";

const modes = ["read", "read-write"] as const;

const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http: or https: URL" });

const publicKey = z
  .string()
  .refine(isPublicKeyText, "expected ed25519: and the base64 of a public key's 32 bytes");

/** specs/remote.yaml: a store that machines share. */
export const remoteFileSchema = z.strictObject({
  /** The folder that holds `cas/` and `ac/`. */
  url: httpUrl,
  /** `read-write`: what is built here is signed and written there. */
  mode: z.enum(modes).default("read"),
  /** Keys whose results are believed, besides this store's own. */
  trust: z.array(publicKey).default([]),
});

export type RemoteFile = z.output<typeof remoteFileSchema>;

export interface RemoteSettings {
  readonly url: URL;
  readonly mode: (typeof modes)[number];
  readonly trust: readonly PublicKeyText[];
  /** For `Authorization: Bearer`. */
  readonly token: string | undefined;
}

/**
 * What is to be used: the file, and over it the environment, and over it the command line.
 *
 * @param file of the workspace, where it has one
 * @param named the command line's: a URL, or `off`
 * @returns undefined when no remote store is to be used
 * @throws {CleanroomError} `remote-settings`
 */
export function remoteSettings(
  file: RemoteFile | undefined,
  env: Readonly<Record<string, string | undefined>>,
  named?: string,
): RemoteSettings | undefined {
  const address = named ?? (env["CLEANROOM_REMOTE"] || file?.url);
  if (address === undefined || address === "off") return undefined;
  const url = httpUrl.safeParse(address);
  const where = named === undefined ? "CLEANROOM_REMOTE" : "--remote";
  if (!url.success) {
    throw unusable(`${where} is ${JSON.stringify(address)}`, "an http: or https: URL, or off");
  }
  const mode = env["CLEANROOM_REMOTE_MODE"] || (file?.mode ?? "read");
  if (!isMode(mode)) throw unusable(`CLEANROOM_REMOTE_MODE is ${mode}`, modes.join(" or "));
  const trusted = (env["CLEANROOM_REMOTE_TRUST"] ?? "").split(/[\s,]+/).filter((one) => one !== "");
  const bad = trusted.find((one) => !isPublicKeyText(one));
  if (bad !== undefined) {
    throw unusable(`CLEANROOM_REMOTE_TRUST has ${bad}`, "keys such as `cache remote` prints");
  }
  return {
    url: new URL(url.data),
    mode,
    trust: [...new Set([...(file?.trust ?? []), ...trusted])],
    token: env["CLEANROOM_REMOTE_TOKEN"] || undefined,
  };
}

function isMode(text: string): text is RemoteSettings["mode"] {
  return (modes as readonly string[]).includes(text);
}

function unusable(what: string, expected: string): CleanroomError {
  return new CleanroomError("remote-settings", `${what}; expected ${expected}`, { exitCode: 2 });
}

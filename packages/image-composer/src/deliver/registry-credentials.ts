import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { CleanroomError, isMissingFile } from "@cleanroom/core";

/** A user name and a password or token. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The files in which podman, skopeo and docker keep credentials, in their order (containers-auth.json(5)). */
function authFiles(env: Environment): readonly string[] {
  const home = env["HOME"] ?? homedir();
  const named = env["REGISTRY_AUTH_FILE"];
  if (named !== undefined && named !== "") return [named];
  const runtime = env["XDG_RUNTIME_DIR"];
  return [
    ...(runtime === undefined ? [] : [path.join(runtime, "containers/auth.json")]),
    path.join(env["XDG_CONFIG_HOME"] ?? path.join(home, ".config"), "containers/auth.json"),
    path.join(env["DOCKER_CONFIG"] ?? path.join(home, ".docker"), "config.json"),
  ];
}

/**
 * The credentials for a registry, from the files of podman, skopeo and docker; undefined when
 * none of them has any.
 *
 * @param registry host and port
 * @throws {CleanroomError} `credentials-unreadable`
 */
export async function findCredentials(
  registry: string,
  env: Environment,
): Promise<Credentials | undefined> {
  for (const file of authFiles(env)) {
    const auths = await readAuths(file);
    const encoded = auths?.[registry]?.auth ?? auths?.[`https://${registry}`]?.auth;
    if (encoded === undefined) continue;
    const text = Buffer.from(encoded, "base64").toString();
    const colon = text.indexOf(":");
    if (colon > 0) return { user: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  return undefined;
}

async function readAuths(
  file: string,
): Promise<Readonly<Record<string, { auth?: string }>> | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
  try {
    return (JSON.parse(text) as { auths?: Record<string, { auth?: string }> }).auths;
  } catch (error) {
    throw new CleanroomError("credentials-unreadable", "a credentials file is not JSON", {
      ...{ place: { file }, cause: error, exitCode: 2 },
      hint: "log in again: podman login REGISTRY",
    });
  }
}

import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { isMissingFile, pathExists, type Store } from "@cleanroom/core";
import { currentId, generationFolder, generationIds } from "../generation.ts";
import { isContentNamed } from "../locations.ts";
import { joinSignatures } from "../sign/openpgp-armor.ts";
import { refuse, sendFile, sendText } from "./send-file.ts";
import { type RequestOrigin, SignaturePairs } from "./signature-pairs.ts";

/** How one source of files is served. */
export interface Route {
  /** Answers a GET or HEAD of one path. */
  answer(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The folder of what is current; undefined before the first publishing. */
  currentFolder(): Promise<string | undefined>;
}

const metadataPath = "/repodata/repomd.xml";
const signaturePath = "/repodata/repomd.xml.asc";

/** Serves any folder as it stands. */
export function folderRoute(folder: string): Route {
  return {
    currentFolder: () => Promise.resolve(folder),
    async answer(pathname, request, response) {
      const immutable = isContentNamed(pathname.slice(1));
      const status = await sendFile({ folder, pathname, immutable }, request, response);
      if (status !== undefined) refuse(response, status);
    },
  };
}

/**
 * Serves the current generation of a repository, a named one under `/generations/<id>/`, and under
 * their own names the metadata and packages of every generation that is kept: so a client that
 * began with one generation can finish with it.
 */
export function repositoryRoute(store: Store, repository: string): Route {
  const pairs = new SignaturePairs(() => performance.now());
  const folderOf = (id: string): string => generationFolder(store, repository, id);
  const answer: Route["answer"] = async (pathname, request, response) => {
    const named = /^\/generations\/([0-9a-f]{16})(\/.*)$/.exec(pathname);
    if (named !== null) {
      const [, id = "", rest = "/"] = named;
      const file = { folder: folderOf(id), pathname: rest, immutable: true };
      const status = await sendFile(file, request, response);
      if (status !== undefined) refuse(response, status);
      return;
    }
    // Asked once a request, so that a switch cannot mix two generations in one answer.
    const current = await currentId(store, repository);
    if (current === undefined) return refuse(response, 404);
    let id = current;
    const immutable = isContentNamed(pathname.slice(1));
    if (immutable) {
      id = (await generationWith(store, repository, current, pathname)) ?? current;
    } else if (request.method === "GET" && pathname === metadataPath) {
      id = pairs.metadata(originOf(request), current);
    } else if (request.method === "GET" && pathname === signaturePath) {
      const ids = pairs.signatures(originOf(request), current);
      if (ids.length > 1) {
        const text = joinSignatures(await readSignatures(ids.map(folderOf)));
        return sendText(text, "application/pgp-signature", request, response);
      }
      id = ids[0] ?? current;
    }
    const status = await sendFile({ folder: folderOf(id), pathname, immutable }, request, response);
    if (status !== undefined) refuse(response, status);
  };
  const currentFolder = async (): Promise<string | undefined> => {
    const id = await currentId(store, repository);
    return id === undefined ? undefined : folderOf(id);
  };
  return { answer, currentFolder };
}

/** The current generation or any other that has a file; a path that is no path is nowhere. */
async function generationWith(
  store: Store,
  repository: string,
  current: string,
  pathname: string,
): Promise<string | undefined> {
  let name: string;
  try {
    name = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  const has = (id: string): Promise<boolean> =>
    pathExists(path.join(generationFolder(store, repository, id), name));
  if (await has(current)) return current;
  for (const id of await generationIds(store, repository)) {
    if (await has(id)) return id;
  }
  return undefined;
}

/** Those that are still there. */
async function readSignatures(folders: readonly string[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const folder of folders) {
    try {
      texts.push(await readFile(path.join(folder, signaturePath), "utf8"));
    } catch (error) {
      if (!isMissingFile(error)) throw error;
    }
  }
  return texts;
}

function originOf({ socket, headers }: IncomingMessage): RequestOrigin {
  return {
    address: socket.remoteAddress ?? "",
    agent: headers["user-agent"] ?? "",
    connection: socket,
  };
}

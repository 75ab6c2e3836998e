import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readdir, realpath } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { CleanroomError, isMissingFile, type Logger, type Store } from "@cleanroom/core";
import send from "send";
import { defaultRepository, repositoryFolder } from "./generation.ts";
import { repoFileName, repoFileText } from "./repo-file.ts";

/** What to serve: a repository of the store, always its current generation, or any folder. */
export type ServeSource =
  | { readonly store: Store; readonly repository?: string }
  | { readonly folder: string };

export type ServeOptions = ServeSource & {
  /** 9999 when absent; 0 lets the system choose. */
  readonly port?: number;
  /** Address to listen on; 127.0.0.1 when absent, so that nobody else sees it unasked. */
  readonly host?: string;
  /** What clients call this server, for the `.repo` file; the request's Host header when absent. */
  readonly baseUrl?: string;
  readonly logger: Logger;
  /** Ends the server as {@link RepositoryServer.stop} does. */
  readonly signal?: AbortSignal;
};

export interface RepositoryServer {
  /** With the real port, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Settles when the server has ended. */
  readonly ended: Promise<void>;
  /** Takes no more requests, lets those under way finish (30 s at most), and ends. */
  stop(): Promise<void>;
}

export const defaultPort = 9999;
const stopTimeoutMs = 30_000;
const immutable = "public, max-age=31536000, immutable";
const revalidate = "no-cache";

/** Names that hold a digest of the content: whatever has such a name never changes. */
const contentNamed = /^\/(?:repodata\/[0-9a-f]{64}-[\w.]+|Packages\/.+\.[0-9a-f]{12}\.rpm)$/;

/**
 * Serves a repository over HTTP, read-only. Without a range a whole file, with one its part; no
 * folder is ever listed. Metadata and packages of older generations stay reachable under their
 * own names for as long as the generation is kept, so a client that began with one can finish.
 *
 * @throws CleanroomError `serve-failed` when the address cannot be listened on
 */
export async function serve(options: ServeOptions): Promise<RepositoryServer> {
  const { logger } = options;
  const server = createServer((request, response) => {
    logAccess(logger, request, response);
    answer(options, request, response).catch((error: unknown) => {
      logger.error(`${request.method} ${request.url}: ${String(error)}`);
      refuse(response, 500);
    });
  });
  const { port, address } = await listen(server, options);
  const host = address.includes(":") ? `[${address}]` : address;
  const ended = new Promise<void>((resolve) => {
    server.once("close", resolve);
  });
  const stop = (): Promise<void> => {
    server.close();
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), stopTimeoutMs).unref();
    return ended;
  };
  options.signal?.addEventListener("abort", () => void stop(), { once: true });
  if (options.signal?.aborted === true) await stop();
  return { url: `http://${host}:${port}`, port, ended, stop };
}

async function listen(
  server: ReturnType<typeof createServer>,
  { port = defaultPort, host = "127.0.0.1" }: ServeOptions,
): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new CleanroomError("serve-failed", `cannot listen on ${host}, port ${port}`, {
          cause: error,
          hint: error.code === "EADDRINUSE" ? "name another port with --port" : undefined,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}

function logAccess(logger: Logger, request: IncomingMessage, response: ServerResponse): void {
  const startedMs = performance.now();
  const { method = "", url = "" } = request;
  response.once("close", () => {
    const status = response.writableFinished ? response.statusCode : 499;
    const durationMs = Math.round(performance.now() - startedMs);
    const client = request.socket.remoteAddress ?? "";
    logger.info(`${client} ${method} ${url} ${status} ${durationMs} ms`, {
      client,
      method,
      url,
      status,
      durationMs,
      agent: request.headers["user-agent"],
    });
  });
}

async function answer(
  options: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return refuse(response, 405);
  }
  const pathname = (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";
  if (pathname === `/${repoFileName}`) return sendRepoFile(options, request, response);
  const pinned = /^\/generations\/([0-9a-f]{16})(\/.*)$/.exec(pathname);
  if (pinned !== null && "store" in options) {
    const folder = path.join(generationsFolder(options), pinned[1] ?? "");
    await sendFrom([folder], pinned[2] ?? "/", immutable, request, response);
    return;
  }
  const current = await currentFolder(options);
  if (current === undefined) return refuse(response, 404);
  if (!contentNamed.test(pathname)) {
    await sendFrom([current], pathname, revalidate, request, response);
    return;
  }
  await sendFrom(
    [current, ...(await keptFolders(options))],
    pathname,
    immutable,
    request,
    response,
  );
}

/** The real folder of what is current: resolved once a request, so that a switch cannot mix two. */
async function currentFolder(source: ServeSource): Promise<string | undefined> {
  const folder =
    "folder" in source
      ? source.folder
      : path.join(
          repositoryFolder(source.store, source.repository ?? defaultRepository),
          "current",
        );
  try {
    return await realpath(folder);
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

function generationsFolder(source: Extract<ServeSource, { store: Store }>): string {
  const folder = repositoryFolder(source.store, source.repository ?? defaultRepository);
  return path.join(folder, "generations");
}

async function keptFolders(source: ServeSource): Promise<readonly string[]> {
  if ("folder" in source) return [];
  const folder = generationsFolder(source);
  try {
    return (await readdir(folder)).map((name) => path.join(folder, name));
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}

/** Sends the file from the first folder that has it. */
async function sendFrom(
  folders: readonly string[],
  pathname: string,
  cacheControl: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const folder of folders) {
    const status = await trySend(folder, pathname, cacheControl, request, response);
    if (status === undefined) return;
    if (status !== 404) return refuse(response, status);
  }
  refuse(response, 404);
}

/** Resolves to undefined once the file is on its way, else to the status that says why not. */
function trySend(
  folder: string,
  pathname: string,
  cacheControl: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sendOptions = {
      root: folder,
      index: false,
      dotfiles: "ignore" as const,
      cacheControl: false,
      // A rollback brings older files back: "not modified since" would then be wrong.
      lastModified: false,
      // Passed on to the stream that reads the file: fewer, larger reads.
      highWaterMark: 1024 * 1024,
    };
    const stream = send(request, pathname, sendOptions);
    stream.on("headers", (reply: ServerResponse) => {
      reply.setHeader("Cache-Control", cacheControl);
      reply.setHeader("X-Content-Type-Options", "nosniff");
      const etag = strongEtag(folder, pathname);
      if (etag !== undefined) reply.setHeader("ETag", etag);
    });
    stream.on("directory", () => resolve(404));
    stream.on("error", (error: { statusCode?: number; status?: number }) =>
      resolve(error.statusCode ?? error.status ?? 500),
    );
    response.once("close", () => resolve(undefined));
    response.once("finish", () => resolve(undefined));
    stream.pipe(response);
  });
}

/** What a file of a generation has in its name, or else the generation's own id, tells its content. */
function strongEtag(folder: string, pathname: string): string | undefined {
  const digest = /([0-9a-f]{64})-|\.([0-9a-f]{12})\.rpm$/.exec(pathname);
  const own = digest?.[1] ?? digest?.[2];
  if (own !== undefined) return `"${own}"`;
  const id = path.basename(folder);
  return /^[0-9a-f]{16}$/.test(id) ? `"${id}"` : undefined;
}

function sendRepoFile(
  options: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const repository =
    "store" in options ? (options.repository ?? defaultRepository) : defaultRepository;
  const text = repoFileText(repository, options.baseUrl ?? requestBaseUrl(request));
  response.writeHead(200, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": revalidate,
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

/** The address under which the client reached this server; a Host header that is no host is not used. */
function requestBaseUrl(request: IncomingMessage): string {
  const { host = "" } = request.headers;
  if (/^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)) return `http://${host}`;
  const { localAddress = "127.0.0.1", localPort = defaultPort } = request.socket;
  return `http://${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}

function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${status}\n`);
}

import { readFile } from "node:fs/promises";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { CleanroomError, isMissingFile, type Logger, messageOf, type Store } from "@cleanroom/core";
import { defaultRepository } from "../generation.ts";
import { movedRepoFileText, repoFileName, repoFileText } from "../repo-file.ts";
import { folderRoute, repositoryRoute, type Route } from "./repository-routes.ts";
import { refuse, sendText } from "./send-file.ts";

/** What to serve: a repository of the store, always its current generation, or any folder. */
export type ServeSource =
  | { readonly store: Store; readonly repository?: string }
  | { readonly folder: string };

export type ServeOptions = ServeSource & {
  /** 9999 when absent; 0 lets the system choose. */
  readonly port?: number;
  /** Address to listen on; 127.0.0.1 when absent, so that nobody else sees it unasked. */
  readonly host?: string;
  /**
   * What clients call this server, for the `.repo` file, without a slash at its end; the request's
   * Host header when absent.
   */
  readonly baseUrl?: string;
  /** PEM texts; with them the server speaks HTTPS alone. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** One line a request. */
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

/** The port of `repo serve` when nobody names one. */
export const defaultPort = 9999;

const stopTimeoutMs = 30_000;

/**
 * Serves a repository over HTTP, read-only, with its `.repo` file at `/cleanroom.repo`.
 *
 * @throws CleanroomError `serve-failed` when the address cannot be listened on or the certificate
 *   cannot be used; `repository-name`
 */
export async function serve(options: ServeOptions): Promise<RepositoryServer> {
  const route =
    "store" in options
      ? repositoryRoute(options.store, options.repository ?? defaultRepository)
      : folderRoute(options.folder);
  const scheme = options.tls === undefined ? "http" : "https";
  const server = makeServer(options, (request, response) => {
    logAccess(options.logger, request, response);
    const baseUrl = (): string => options.baseUrl ?? `${scheme}://${requestHost(request)}`;
    answer(route, baseUrl, request, response).catch((error: unknown) => {
      options.logger.error(`${request.method} ${request.url}: ${messageOf(error)}`);
      refuse(response, 500);
    });
  });
  const { port, address } = await listen(server, options);
  const ended = new Promise<void>((resolve) => {
    server.once("close", resolve);
  });
  const stop = (): Promise<void> => {
    server.close();
    // A connection becomes idle when its download ends, which nobody tells us.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const late = setTimeout(() => server.closeAllConnections(), stopTimeoutMs);
    return ended.finally(() => {
      clearInterval(idle);
      clearTimeout(late);
    });
  };
  options.signal?.addEventListener("abort", () => void stop(), { once: true });
  if (options.signal?.aborted === true) await stop();
  return { url: `${scheme}://${hostText(address)}:${port}`, port, ended, stop };
}

function makeServer(
  { tls }: ServeOptions,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createHttpServer(listener);
  try {
    return createHttpsServer({ cert: tls.certificate, key: tls.key }, listener);
  } catch (error) {
    throw new CleanroomError("serve-failed", "the TLS certificate or its key cannot be used", {
      cause: error,
      exitCode: 2,
      hint: "both must be PEM files that belong together",
    });
  }
}

async function listen(
  server: Server,
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

async function answer(
  route: Route,
  baseUrl: () => string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return refuse(response, 405);
  }
  const pathname = (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";
  if (pathname === `/${repoFileName}`) {
    const text = await repoFileOf(route);
    if (text === undefined) return refuse(response, 404);
    const moved = movedRepoFileText(text, baseUrl());
    return sendText(moved, "text/plain; charset=utf-8", request, response);
  }
  return route.answer(pathname, request, response);
}

async function repoFileOf(route: Route): Promise<string | undefined> {
  const folder = await route.currentFolder();
  if (folder === undefined) return undefined;
  try {
    return await readFile(path.join(folder, repoFileName), "utf8");
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    // A folder that something else made.
    return repoFileText(defaultRepository, "");
  }
}

function logAccess(logger: Logger, request: IncomingMessage, response: ServerResponse): void {
  const startedMs = performance.now();
  const { method = "", url = "" } = request;
  const client = request.socket.remoteAddress ?? "";
  response.once("close", () => {
    // 499, as nginx has it: the client went away.
    const status = response.writableFinished ? response.statusCode : 499;
    const durationMs = Math.round(performance.now() - startedMs);
    const agent = request.headers["user-agent"];
    const fields = { client, method, url, status, durationMs, agent };
    logger.info(`${client} ${method} ${url} ${status} ${durationMs} ms`, fields);
  });
}

/** The name under which the client reached this server; a Host header that is no host is not used. */
function requestHost(request: IncomingMessage): string {
  const { host = "" } = request.headers;
  if (/^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)) return host;
  const { localAddress = "127.0.0.1", localPort = defaultPort } = request.socket;
  return `${hostText(localAddress)}:${localPort}`;
}

function hostText(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

import { openSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import send from "send";
import { RecentFiles } from "./recent-files.ts";
import { sendBytes } from "./send-bytes.ts";

/** A file that may be sent, and how long it may be kept. */
export interface FileToSend {
  readonly folder: string;
  /** As the request has it: percent-encoded, beginning with a slash. */
  readonly pathname: string;
  /** Whether this path never means other bytes. */
  readonly immutable: boolean;
}

const revalidate = "no-cache";
const packageType = "application/x-redhat-package-manager";
const keepForever = "public, max-age=31536000, immutable";

/**
 * Sends a file with its ETag, in whole or in the range that was asked for. Nothing outside the
 * folder, no hidden file and no listing is ever sent.
 *
 * @returns undefined once the answer is given, else the status that says why nothing was sent
 */
export function sendFile(
  file: FileToSend,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number | undefined> {
  if (sendPackage(file, request, response)) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const options = {
      root: file.folder,
      index: false,
      dotfiles: "ignore" as const,
      cacheControl: false,
      // A rollback brings older files back: "not modified since" would then be wrong.
      lastModified: false,
    };
    const stream = send(request, file.pathname, options);
    // In the place of its own reading, which hands every step to another thread: a download of a small
    // package would take three times as long.
    stream.sendFile = (path: string) => {
      try {
        const stat = statSync(path);
        if (stat.isFile()) stream.send(path, stat);
        else stream.error(404);
      } catch (error) {
        stream.onStatError(error as Error);
      }
    };
    stream.stream = (path: string, range: { start?: number } = {}) => {
      try {
        const count = Number(response.getHeader("Content-Length"));
        sendBytes(openSync(path, "r"), { start: range.start ?? 0, count }, response);
      } catch (error) {
        stream.onStatError(error as Error);
      }
    };
    stream.on("headers", (reply: ServerResponse) => {
      reply.setHeader("Cache-Control", file.immutable ? keepForever : revalidate);
      reply.setHeader("X-Content-Type-Options", "nosniff");
      const etag = strongEtag(file);
      if (etag !== undefined) reply.setHeader("ETag", etag);
    });
    stream.on("error", (error: { statusCode?: number; status?: number }) =>
      resolve(error.statusCode ?? error.status ?? 500),
    );
    response.once("close", () => resolve(undefined));
    stream.pipe(response);
  });
}

/** Of packages: those up to this size are kept for whoever asks next, as many as fit. */
const smallBytes = 256 * 1024;
const recentPackages = new RecentFiles(32 * 1024 * 1024);

/** The path of a package as the metadata has it: nothing in it is encoded, hidden or leads elsewhere. */
const packagePath = /^\/Packages\/\w+\/\w[\w.+~^-]*\.[0-9a-f]{12}\.rpm$/;

/** Headers of requests for something else than the whole of a file, whatever the client has of it. */
const specialHeaders = [
  "range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
] as const;

/**
 * Sends the whole of a package, which is most of what clients ask for, with the same headers as ever:
 * to take any path and request apart takes as long as to read and send a small package.
 *
 * @returns false where something else was asked for, or nothing can be sent
 */
function sendPackage(
  file: FileToSend,
  { method, headers }: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (method !== "GET" || !file.immutable || !packagePath.test(file.pathname)) return false;
  if (specialHeaders.some((name) => headers[name] !== undefined)) return false;
  const name = `${file.folder}${file.pathname}`;
  const head = (sizeBytes: number): ServerResponse =>
    response.writeHead(200, {
      "Accept-Ranges": "bytes",
      "Cache-Control": keepForever,
      "Content-Length": sizeBytes,
      "Content-Type": packageType,
      ETag: strongEtag(file),
      "X-Content-Type-Options": "nosniff",
    });
  try {
    const stat = statSync(name);
    if (!stat.isFile()) return false;
    if (stat.size <= smallBytes) {
      const bytes = recentPackages.read(name, stat);
      head(bytes.length).end(bytes);
    } else {
      const descriptor = openSync(name, "r");
      sendBytes(descriptor, { start: 0, count: stat.size }, head(stat.size));
    }
    return true;
  } catch {
    return false;
  }
}

/** The digest in the file's name, or else the generation's id: both tell the content. */
function strongEtag({ folder, pathname }: FileToSend): string | undefined {
  const digest = /\/([0-9a-f]{64})-|\.([0-9a-f]{12})\.rpm$/.exec(pathname);
  const own = digest?.[1] ?? digest?.[2];
  if (own !== undefined) return `"${own}"`;
  const id = path.basename(folder);
  return /^[0-9a-f]{16}$/.test(id) ? `"${id}"` : undefined;
}

/** A text that is no file. */
export function sendText(
  text: string,
  contentType: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.writeHead(200, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": revalidate,
    "X-Content-Type-Options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

/** An answer that is only its status. */
export function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${status}\n`);
}

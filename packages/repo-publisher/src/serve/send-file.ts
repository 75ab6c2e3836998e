import { statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import send from "send";
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
const keepForever = "public, max-age=31536000, immutable";

/**
 * Sends a file with its ETag, in whole or in the range that was asked for. Nothing outside the
 * folder, no hidden file and no listing is ever sent.
 *
 * @returns undefined once the answer has ended, else the status that says why nothing was sent
 */
export function sendFile(
  file: FileToSend,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number | undefined> {
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
        sendBytes(path, { start: range.start ?? 0, count }, response);
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

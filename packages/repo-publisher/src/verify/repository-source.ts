import { createWriteStream } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CleanroomError, messageOf } from "@cleanroom/core";

/** Where a repository's files come from. */
export interface RepositorySource {
  readonly name: string;
  /**
   * Copies one file of the repository to `target`.
   *
   * @param location path below the repository's folder, as its metadata has it
   * @throws CleanroomError `repository-file`
   */
  fetch(location: string, target: string): Promise<void>;
}

const timeoutMs = 60_000;

/** A folder's path, or a URL with `http:`, `https:` or `file:`. */
export function repositorySource(target: string): RepositorySource {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url === undefined) return folderSource(path.resolve(target));
  if (url.protocol === "file:") return folderSource(decodeURIComponent(url.pathname));
  if (url.protocol === "http:" || url.protocol === "https:") return httpSource(url);
  throw new CleanroomError("repository-file", `${url.protocol} is not supported: ${target}`, {
    exitCode: 2,
    hint: "name a folder or an http: or https: URL",
  });
}

function folderSource(folder: string): RepositorySource {
  return {
    name: folder,
    async fetch(location, target) {
      const file = path.join(folder, location);
      const inside = path.relative(folder, file);
      if (inside.startsWith("..") || path.isAbsolute(inside)) {
        throw new CleanroomError("repository-file", `${location} is outside of the repository`);
      }
      await mkdir(path.dirname(target), { recursive: true });
      try {
        await copyFile(file, target);
      } catch (error) {
        throw unreadable(file, error);
      }
    },
  };
}

function httpSource(url: URL): RepositorySource {
  const base = new URL(url);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return {
    name: base.href,
    async fetch(location, target) {
      const address = new URL(location.split("/").map(encodeURIComponent).join("/"), base);
      await mkdir(path.dirname(target), { recursive: true });
      try {
        const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
        if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
        const body = Readable.fromWeb(response.body);
        await pipeline(body, createWriteStream(target));
      } catch (error) {
        throw unreadable(address.href, error);
      }
    },
  };
}

function unreadable(file: string, cause: unknown): CleanroomError {
  return new CleanroomError("repository-file", `${file} cannot be read: ${messageOf(cause)}`, {
    cause,
  });
}

import { open } from "node:fs/promises";
import { CleanroomError, messageOf } from "@cleanroom/core";
import type { Credentials } from "./registry-credentials.ts";

/** Where an image goes in a registry. */
export interface RegistryReference {
  /** Host, and port if any. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
}

/**
 * Parses `REGISTRY/REPOSITORY[:TAG]`; the registry is never guessed.
 *
 * @throws {CleanroomError} `reference-invalid`
 */
export function parseReference(text: string): RegistryReference {
  const [, registry, repository, tag = "latest"] =
    /^([a-zA-Z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)\/([a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?$/.exec(
      text,
    ) ?? [];
  if (registry !== undefined && repository !== undefined && /[.:]|^localhost$/.test(registry)) {
    return { registry, repository, tag };
  }
  throw new CleanroomError("reference-invalid", `${text} is not a place in a registry`, {
    exitCode: 2,
    hint: "write REGISTRY/REPOSITORY:TAG, such as registry.example.org/me/hello:1.0",
  });
}

/** Bytes of one part of an upload. */
const chunkBytes = 8 * 1024 * 1024;

/** How often a broken upload is taken up again. */
const attemptsMax = 5;

/** The client's half of the OCI distribution specification 1.1, as far as a push needs it. */
export class RegistryClient {
  readonly #base: string;
  readonly #repository: string;
  readonly #credentials: Credentials | undefined;
  #authorization: string | undefined;

  constructor({ registry, repository }: RegistryReference, credentials: Credentials | undefined) {
    const host = registry.replace(/:\d+$/, "");
    const local = host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
    this.#base = `${local ? "http" : "https"}://${registry}`;
    this.#repository = repository;
    this.#credentials = credentials;
  }

  async hasBlob(digest: string): Promise<boolean> {
    return (await this.#request("HEAD", `/blobs/${digest}`, {}, [200, 404])).status === 200;
  }

  /** Sends a blob in parts; a part that breaks off is taken up where the registry has it. */
  async pushBlob(digest: string, file: string): Promise<void> {
    let location = await this.#beginUpload();
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      let sent = 0;
      let furthest = 0;
      let attempts = 0;
      while (sent < size) {
        const body = Buffer.alloc(Math.min(chunkBytes, size - sent));
        await handle.read(body, 0, body.length, sent);
        const headers = {
          "content-type": "application/octet-stream",
          "content-range": `${sent}-${sent + body.length - 1}`,
        };
        try {
          const answer = await this.#request("PATCH", location, { headers, body }, [202]);
          location = this.#locationOf(answer);
          sent += body.length;
          if (sent > furthest) [furthest, attempts] = [sent, 0];
        } catch (error) {
          attempts += 1;
          if (attempts >= attemptsMax) throw error;
          ({ location, sent } = await this.#takeUp(location));
        }
      }
    } finally {
      await handle.close();
    }
    const finish = new URL(location, this.#base);
    finish.searchParams.set("digest", digest);
    await this.#request("PUT", finish.href, {}, [201]);
  }

  async #beginUpload(): Promise<string> {
    return this.#locationOf(await this.#request("POST", "/blobs/uploads/", {}, [202]));
  }

  /**
   * Where a broken upload goes on: where the registry has it, or at the start of a new one.
   * docker-registry gives an upload up when a part of it ended in its middle.
   */
  async #takeUp(upload: string): Promise<{ readonly location: string; readonly sent: number }> {
    const state = await this.#request("GET", upload, {}, [204]).catch(() => undefined);
    if (state === undefined) return { location: await this.#beginUpload(), sent: 0 };
    const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(state.headers.get("range") ?? "") ?? [];
    const sent = last === undefined || last === "0" ? 0 : Number(last) + 1;
    return { location: this.#locationOf(state), sent };
  }

  /** Sends a small blob at once. */
  async pushBytes(digest: string, bytes: Uint8Array): Promise<void> {
    const target = new URL(await this.#beginUpload());
    target.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream" };
    await this.#request("PUT", target.href, { headers, body: Buffer.from(bytes) }, [201]);
  }

  /** @returns whether the registry keeps the manifest's `subject` itself */
  async putManifest(reference: string, mediaType: string, body: Uint8Array): Promise<boolean> {
    const headers = { "content-type": mediaType };
    const options = { headers, body: Buffer.from(body) };
    const answer = await this.#request("PUT", `/manifests/${reference}`, options, [201]);
    return answer.headers.has("oci-subject");
  }

  async manifest(reference: string, mediaType: string): Promise<string | undefined> {
    const headers = { accept: mediaType };
    const answer = await this.#request("GET", `/manifests/${reference}`, { headers }, [200, 404]);
    return answer.status === 200 ? answer.text() : undefined;
  }

  #locationOf(answer: Response): string {
    const location = answer.headers.get("location");
    if (location === null) throw this.#failed("an upload without a location", answer.status);
    return new URL(location, this.#base).href;
  }

  async #request(
    method: string,
    path: string,
    options: { readonly headers?: Record<string, string>; readonly body?: Buffer<ArrayBuffer> },
    accept: readonly number[],
  ): Promise<Response> {
    const url = path.startsWith("http") ? path : `${this.#base}/v2/${this.#repository}${path}`;
    const send = async (): Promise<Response> => {
      const headers = {
        ...options.headers,
        // Only to the registry itself: an upload's location may be on another host.
        ...(this.#authorization !== undefined && new URL(url).origin === new URL(this.#base).origin
          ? { authorization: this.#authorization }
          : {}),
      };
      const body = options.body === undefined ? {} : { body: options.body };
      try {
        return await fetch(url, { method, headers, ...body });
      } catch (error) {
        throw this.#failed(`${method} ${url}: ${causeOf(error)}`, undefined, error);
      }
    };
    let answer = await send();
    if (answer.status === 401) {
      await this.#authenticate(answer.headers.get("www-authenticate") ?? "");
      answer = await send();
    }
    if (accept.includes(answer.status)) return answer;
    const text = (await answer.text()).slice(0, 500);
    throw this.#failed(`${method} ${url}: ${text}`, answer.status);
  }

  /** The registry's challenge answered (RFC 7617, and the distribution project's token flow). */
  async #authenticate(challenge: string): Promise<void> {
    const credentials = this.#credentials;
    const basic =
      credentials === undefined
        ? undefined
        : `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
    if (/^basic/i.test(challenge)) {
      if (basic === undefined) throw this.#unauthorized();
      this.#authorization = basic;
      return;
    }
    const fields = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? "", match[2] ?? ""]),
    );
    const realm = fields.get("realm");
    if (realm === undefined) throw this.#unauthorized();
    const url = new URL(realm);
    if (url.protocol !== "https:" && !this.#base.startsWith("http:")) throw this.#unauthorized();
    url.searchParams.set("service", fields.get("service") ?? "");
    url.searchParams.set("scope", `repository:${this.#repository}:pull,push`);
    const headers = basic === undefined ? {} : { authorization: basic };
    const answer = await fetch(url, { headers });
    if (!answer.ok) throw this.#unauthorized();
    const { token, access_token: access } = (await answer.json()) as Record<string, string>;
    this.#authorization = `Bearer ${token ?? access ?? ""}`;
  }

  #unauthorized(): CleanroomError {
    return new CleanroomError("registry-unauthorized", `${this.#base} refuses these credentials`, {
      hint: `podman login ${this.#base.replace(/^https?:\/\//, "")}`,
    });
  }

  #failed(why: string, status: number | undefined, cause?: unknown): CleanroomError {
    const how = status === undefined ? "" : ` (HTTP ${status})`;
    return new CleanroomError("registry-failed", `the registry did not take part: ${why}${how}`, {
      place: { step: `push to ${this.#base}` },
      cause,
      hint: "push again: what the registry has already is not sent twice",
    });
  }
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined
    ? messageOf(error.cause)
    : messageOf(error);
}

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** A registry in memory that follows the distribution specification and can misbehave. */
export class FakeRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** `user:password`; without it everybody may push. */
  account: string | undefined;
  /** So many parts of uploads are cut off in the middle. */
  breakParts = 0;
  readonly #uploads = new Map<string, Buffer>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch(() => response.destroy());
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", headers } = request;
    const url = new URL(request.url ?? "/", `http://${headers.host ?? ""}`);
    this.requests.push(`${method} ${url.pathname}`);
    const end = (status: number, fields: Record<string, string> = {}, body = ""): void => {
      response.writeHead(status, fields).end(body);
    };
    if (url.pathname === "/token") {
      const basic = `Basic ${Buffer.from(this.account ?? "").toString("base64")}`;
      if (headers.authorization === basic) end(200, {}, '{"token":"secret"}');
      else end(401);
      return;
    }
    if (this.account !== undefined && headers.authorization !== "Bearer secret") {
      const challenge = `Bearer realm="http://${headers.host ?? ""}/token",service="fake"`;
      end(401, { "www-authenticate": challenge });
      return;
    }
    const [, kind = "", name = ""] =
      /^\/v2\/me\/hello\/(blobs|manifests)\/(.+)$/.exec(url.pathname) ?? [];
    if (kind === "manifests") {
      if (method === "PUT") {
        this.manifests.set(name, await buffer(request));
        end(201);
        return;
      }
      const found = this.manifests.get(name);
      end(found === undefined ? 404 : 200, {}, found?.toString());
      return;
    }
    if (!name.startsWith("uploads/")) {
      end(this.blobs.has(name) ? 200 : 404);
      return;
    }
    const id = name === "uploads/" ? String(this.#uploads.size) : name.slice("uploads/".length);
    const before = this.#uploads.get(id) ?? Buffer.alloc(0);
    const location = `/v2/me/hello/blobs/uploads/${id}`;
    const state = (bytes: Buffer): Record<string, string> => ({
      location,
      ...(bytes.length === 0 ? {} : { range: `0-${bytes.length - 1}` }),
    });
    if (method === "PATCH") {
      const [start = ""] = (headers["content-range"] ?? "").split("-");
      const body = await buffer(request);
      if (Number(start) !== before.length) {
        end(416);
        return;
      }
      const isBroken = this.breakParts > 0;
      const after = Buffer.concat([before, isBroken ? body.subarray(0, body.length / 2) : body]);
      this.#uploads.set(id, after);
      if (isBroken) {
        this.breakParts -= 1;
        response.destroy();
        return;
      }
      end(202, state(after));
      return;
    }
    if (method === "PUT") {
      const digest = url.searchParams.get("digest") ?? "";
      const actual = `sha256:${createHash("sha256").update(before).digest("hex")}`;
      if (actual === digest) this.blobs.set(digest, before);
      end(actual === digest ? 201 : 400);
      return;
    }
    this.#uploads.set(id, before);
    end(method === "POST" ? 202 : 204, state(before));
  }
}

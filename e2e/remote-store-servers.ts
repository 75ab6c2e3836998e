import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request as ask,
  type ServerResponse,
} from "node:http";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { start } from "@cleanroom/core";

/** A server that a test has started. */
export interface StartedServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Debian's nginx, serving a folder that WebDAV's PUT writes to. */
export async function startNginx(
  folder: string,
  options: { readonly room?: string } = {},
): Promise<StartedServer> {
  const port = await freePort();
  await mkdir(path.join(folder, "data"), { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/data/.${kind};`,
  );
  const lines = [
    "daemon off;",
    `pid ${folder}/pid;`,
    `error_log ${folder}/error.log;`,
    // Inside a user namespace there is no other user than this one.
    ...(process.getuid?.() === 0 || options.room !== undefined ? ["user root;"] : []),
    "worker_processes 1;",
    "events {}",
    "http {",
    "  access_log off;",
    ...temporary.map((line) => `  ${line}`),
    "  client_max_body_size 0;",
    "  server {",
    `    listen 127.0.0.1:${port};`,
    `    root ${folder}/data;`,
    "    location / { dav_methods PUT; create_full_put_path on; }",
    "  }",
    "}",
  ];
  await writeFile(path.join(folder, "nginx.conf"), `${lines.join("\n")}\n`);
  const nginx = existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx";
  const command = [nginx, "-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`];
  const { room } = options;
  const small = `mount -t tmpfs -o size=${room} none "$0" && exec "$@"`;
  const server =
    room === undefined
      ? start(nginx, command.slice(1))
      : start("unshare", [
          ...["--map-root-user", "--mount", "sh", "-euc", small, `${folder}/data`],
          ...command,
        ]);
  const url = `http://127.0.0.1:${port}`;
  let ended = false;
  void server.ended.then(() => (ended = true));
  while (!(await answers(url))) {
    if (ended) throw new Error(await readFile(path.join(folder, "error.log"), "utf8"));
    await wait(20);
  }
  return {
    url,
    stop: async () => {
      server.kill();
      await server.ended;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a liar does with the answer of an honest server. */
export type Lie = (
  request: IncomingMessage,
  honest: { readonly status: number; readonly body: Buffer },
  response: ServerResponse,
) => void;

/** A server that asks an honest one, and passes on what it likes: `lie` decides for each request. */
export async function startLiar(
  honestUrl: string,
  lie: (request: IncomingMessage) => Lie | undefined,
): Promise<StartedServer> {
  const server = createHttpServer((request, response) => {
    const { method, url: location = "" } = request;
    const forwarded = ask(`${honestUrl}${location}`, { method }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () => {
        const body = Buffer.concat(pieces);
        const status = answer.statusCode ?? 500;
        const chosen = lie(request);
        if (chosen !== undefined) chosen(request, { status, body }, response);
        else response.writeHead(status, { "content-length": body.length }).end(body);
      });
    });
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

import { once } from "node:events";
import { openSync, readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { sendBytes } from "./send-bytes.ts";

test("a client that went away before its answer began leaves no file open", async () => {
  const file = path.join(await mkdtemp(path.join(tmpdir(), "send-")), "package.rpm");
  await writeFile(file, "bytes");
  const answered = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => answered.resolve(response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const request = get({ port: (server.address() as AddressInfo).port });
  request.on("error", () => undefined);
  const response = await answered.promise;
  request.destroy();
  await once(response, "close");
  sendBytes(openSync(file, "r"), { start: 0, count: 5 }, response);
  const open = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  expect(open).not.toContain(file);
  server.close();
});

import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { choosePorts, isLoopback, urlOf } from "./publish-ports.ts";

const address = "127.0.0.1";
let server: Server;
let taken: number;

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, address, resolve);
  });
  const bound = server.address();
  taken = typeof bound === "object" && bound !== null ? bound.port : 0;
});

afterEach(() => {
  server.close();
});

test.each([
  ["127.0.0.1", "http://127.0.0.1:8080/", true],
  ["127.1.2.3", "http://127.1.2.3:8080/", true],
  ["::1", "http://[::1]:8080/", true],
  ["0.0.0.0", "http://0.0.0.0:8080/", false],
  ["::", "http://[::]:8080/", false],
  ["192.168.1.2", "http://192.168.1.2:8080/", false],
])("%s is at %s", (address, url, own) => {
  expect(urlOf({ address, host: 8080, container: 8080 })).toBe(url);
  expect(isLoopback(address)).toBe(own);
});

describe("published ports", () => {
  test("a number that is taken gives way to a free one", async () => {
    const [port] = await choosePorts([taken], [], address);
    expect(port?.container).toBe(taken);
    expect(port?.host).not.toBe(taken);
    expect(port?.host).toBeGreaterThan(0);
  });

  test("a number that was asked for is taken or nothing", async () => {
    const request = [{ host: taken }];
    await expect(choosePorts([8080], request, address)).rejects.toThrow(`port ${taken}`);
  });

  test("an image without ports has none to publish", async () => {
    expect(await choosePorts([], [], address)).toEqual([]);
    await expect(choosePorts([], [{ host: 1 }], address)).rejects.toThrow("no port to publish");
  });
});

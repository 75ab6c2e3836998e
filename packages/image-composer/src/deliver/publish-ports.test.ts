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

  test("those of a container that is about to be replaced are free", async () => {
    const held = new Set([taken]);
    expect((await choosePorts([taken], [], address, held))[0]?.host).toBe(taken);
    expect((await choosePorts([8080], [{ host: taken }], address, held))[0]?.host).toBe(taken);
  });

  test.each([99_999, 0, -1, 80.5, Number.NaN])("%s is no port", async (host) => {
    await expect(choosePorts([8080], [{ host }], address)).rejects.toThrow(`${host} is no port`);
  });

  test.each(["192.0.2.1", "nobody.invalid"])("%s is not here", async (elsewhere) => {
    await expect(choosePorts([8080], [], elsewhere)).rejects.toThrow("no address of this machine");
  });
});

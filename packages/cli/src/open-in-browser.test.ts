import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createLogger } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openInBrowser } from "./open-in-browser.ts";

const searchPath = process.env["PATH"];
let folder: string;
let server: Server;
let url: string;
let written: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "open-in-browser-"));
  server = createServer((_request, response) => response.end("here")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  written = "";
});

afterEach(async () => {
  process.env["PATH"] = searchPath;
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const logger = createLogger({
  format: "human",
  quiet: false,
  write: (text) => {
    written += text;
  },
});

test("a page that answers is shown", async () => {
  const browser = path.join(folder, "xdg-open");
  await writeFile(browser, `#!/bin/sh\necho "$1" > "${folder}/shown"\n`);
  await chmod(browser, 0o755);
  process.env["PATH"] = `${folder}:${searchPath}`;
  await openInBrowser(logger, url);
  expect(await readFile(path.join(folder, "shown"), "utf8")).toBe(`${url}\n`);
  expect(written).toBe("");
});

test("a machine without a browser is told the address", async () => {
  const browser = path.join(folder, "xdg-open");
  await writeFile(browser, "#!/bin/sh\nexit 3\n");
  await chmod(browser, 0o755);
  process.env["PATH"] = `${folder}:${searchPath}`;
  await openInBrowser(logger, url);
  expect(written).toMatch(/^warning: no browser was opened \(.*\)/);
  expect(written).toContain(`open ${url} yourself`);
});

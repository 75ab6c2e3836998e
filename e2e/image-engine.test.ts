import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { run, silentLogger, start } from "@cleanroom/core";
import {
  type BuiltImage,
  buildImage,
  downImage,
  imageLogs,
  type ImageRequest,
  imageStatus,
  lockImage,
  readContents,
  runImage,
  verifyImage,
  whyInImage,
} from "@cleanroom/image-composer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { madeRequest, type Surroundings, surroundings } from "./image-composer-fixture.ts";

/** Images as engines and registries take them. */

let here: Surroundings;
let scratch: string;
let output: string;
let request: ImageRequest;
let image: BuiltImage;

const serverSpec = `
Name: server
Version: 1.0
Release: 1
Summary: Something that runs until it is told to end
License: MIT
BuildArch: noarch
Requires: base-files bash
%description
For tests.
%install
mkdir -p %{buildroot}/usr/libexec
cat > %{buildroot}/usr/libexec/server <<'END'
#!/bin/bash
trap 'echo ending; exit 0' TERM
echo "user $UID, arguments $*"
while :; do read -r -t 1 <> <(:); done
END
%files
%attr(0755, root, root) /usr/libexec/server
`;

const yaml = `
base: debian-trixie
packages: [server]
accounts: { user: { uid: 1000, home: /home/user } }
entrypoint: [/usr/libexec/server]
cmd: [one, two]
user: user
ports: [18080]
slim: { files: [/usr/include/**] }
`;

const context = (): Parameters<typeof buildImage>[0] => ({ ...here, logger: silentLogger });

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "engine-"));
  here = await surroundings(scratch);
  const folder = path.join(scratch, "made");
  await mkdir(folder);
  const made = await madeRequest(here, folder, { server: serverSpec }, yaml);
  request = { ...made, name: "test-server" };
  output = path.join(scratch, "output");
  await lockImage(context(), request);
  image = await buildImage(context(), request, { output });
});

afterAll(async () => {
  await downImage(silentLogger, "test-server").catch(() => false);
  await run("podman", ["rmi", "--force", "localhost/test-server"]).catch(() => undefined);
  await rm(scratch, { recursive: true, force: true });
});

async function until(condition: () => Promise<boolean>, seconds: number): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    if (await condition()) return true;
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
  }
  return false;
}

describe("a running image", () => {
  test("is detached, says where it is, and ends on SIGTERM", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(18080, "127.0.0.1", resolve);
    });
    const running = await runImage(context(), {
      name: "test-server",
      folder: output,
      detach: true,
    });
    blocker.close();
    expect(running.container).toBe("cleanroom-test-server");
    expect(running.ports[0]).toMatchObject({ container: 18_080, address: "127.0.0.1" });
    expect(running.ports[0]?.host).not.toBe(18_080);
    expect(
      await until(async () => (await imageLogs("test-server")).includes("arguments one two"), 20),
    ).toBe(true);
    expect(await imageLogs("test-server")).toContain("user 1000");
    expect((await imageStatus("test-server")).state).toBe("running");
    expect(await downImage(silentLogger, "test-server")).toBe(true);
    expect((await imageStatus("test-server")).state).toBe("absent");
    expect(await downImage(silentLogger, "test-server")).toBe(false);
  });

  test("stays when its successor can't start; once replaced, its image is gone", async () => {
    const options = { name: "test-server", folder: output, detach: true };
    const first = await runImage(context(), options);
    const blocker = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(0, "127.0.0.1", resolve);
    });
    const address = blocker.address();
    const taken = typeof address === "object" && address !== null ? address.port : 0;
    const refused = runImage(context(), { ...options, ports: [{ host: taken }] });
    await expect(refused).rejects.toMatchObject({ code: "port-taken" });
    blocker.close();
    expect((await imageStatus("test-server")).state).toBe("running");

    const other = path.join(scratch, "other");
    const folder = path.join(scratch, "other-request");
    await run("cp", ["-r", request.folder, folder]);
    await writeFile(path.join(folder, "image.yaml"), `${yaml}env: { OTHER: "1" }\n`);
    const successor = await buildImage(context(), { ...request, folder }, { output: other });
    expect(successor.imageId).not.toBe(image.imageId);
    const second = await runImage(context(), { ...options, folder: other });
    // The port of the one that it takes the place of is its own.
    expect(second.ports).toEqual(first.ports);
    const id = image.imageId.replace("sha256:", "");
    const { exitCode } = await run("podman", ["image", "exists", id], { accept: [0, 1] });
    expect(exitCode).toBe(1);
    expect(await downImage(silentLogger, "test-server")).toBe(true);
  });

  test("in the foreground does not outlive a kill -9", async () => {
    const program = fileURLToPath(import.meta.resolve("./image-composer-program.ts"));
    const started = start("node", [program, "run", here.store.folder, output], {
      input: JSON.stringify({ tools: here.tools, request }),
    });
    const state = async (): Promise<string> => (await imageStatus("test-server")).state;
    expect(await until(async () => (await state()) === "running", 60)).toBe(true);
    started.kill();
    await started.ended;
    expect(await until(async () => (await state()) === "absent", 30)).toBe(true);
  });
});

test("a built image says why things are in it, and notices damage", async () => {
  const contents = await readContents(output);
  expect(whyInImage(image, contents, "bash")[0]?.chain).toBe("image -> server -> bash");
  expect(whyInImage(image, contents, "/usr/libexec/server")[0]?.package).toContain("server-1.0-1");
  expect((await verifyImage(output)).digest).toBe(image.digest);
  const copy = path.join(scratch, "damaged");
  await run("cp", ["-r", output, copy]);
  const layer = path.join(copy, "oci/blobs", (image.layers[0]?.digest ?? "").replace(":", "/"));
  const bytes = await readFile(layer);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await rm(layer);
  await writeFile(layer, bytes);
  await expect(verifyImage(copy)).rejects.toMatchObject({ code: "image-damaged" });
});

import { mkdir, mkdtemp, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { runInSandbox, sandboxArguments } from "./sandbox.ts";

/** The host's programs as a root; nothing of the host beyond these folders. */
const root = { root: "/", only: ["usr", "bin", "sbin", "lib", "lib64"] } as const;

const shell = async (script: string, more: object = {}): Promise<string> =>
  (await runInSandbox({ ...root, ...more }, ["sh", "-c", script])).stdout.trim();

test("nothing of the host is to be seen but what is mounted", async () => {
  const top = await shell("ls /");
  expect(top.split("\n").toSorted()).toEqual(
    ["bin", "dev", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr", "var"].toSorted(),
  );
  expect(await shell("ls -A /tmp /run /sys /var/tmp; ls /dev | wc -l")).toMatch(/\n\d\d?$/);
});

test("the user is unprivileged and can gain nothing", async () => {
  expect(await shell("id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status")).toBe(
    "1000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1",
  );
});

test("a scratch folder is empty, writable and not the host's", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "sandbox-"));
  await writeFile(path.join(folder, "own"), "");
  const mounts = [{ source: folder, target: "/job", writable: true }];
  const seen = await shell("ls -A /job; echo x > /job/new; ls /job", { mounts, scratch: ["/job"] });
  expect(seen).toBe("new");
  expect(await readdir(folder)).toEqual(["own"]);
});

test("there is no network", async () => {
  expect(await shell("cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '")).toBe("lo");
});

test("the root and / are read-only, /tmp and writable mounts are not", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "sandbox-"));
  const mounts = [{ source: folder, target: "/mounted", writable: true }];
  const script = `for place in / /usr /proc/sys/kernel /tmp /mounted; do
      if touch $place/x 2>/dev/null; then echo yes; else echo no; fi; done`;
  expect(await shell(script, { mounts })).toBe("no\nno\nno\nyes\nyes");
});

test("other processes are out of sight", async () => {
  expect(await shell("ls -d /proc/[0-9]* | wc -l")).toMatch(/^[2-5]$/);
});

test("the environment is fixed, whatever the caller's is", async () => {
  process.env["SECRET_OF_HOST"] = "x";
  const environment = await shell("env | cut -d= -f1 | sort | tr '\\n' ' '");
  expect(environment).toBe("HOME LANG LC_ALL PATH PWD SHELL TZ");
});

test("symbolic links of the root's top stay links", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "root-"));
  await mkdir(path.join(folder, "usr/bin"), { recursive: true });
  await writeFile(path.join(folder, "usr/bin/x"), "");
  await symlink("usr/bin", path.join(folder, "bin"));
  const args = sandboxArguments({ root: folder });
  expect(args.join(" ")).toContain("--symlink usr/bin /bin");
  expect(args.join(" ")).toContain(`--ro-bind ${folder}/usr /usr`);
});

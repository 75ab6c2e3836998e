import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "@cleanroom/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adapt, findEngine } from "./container-engine.ts";

const plain = { isRoot: true, capabilities: 0x1ff_ffff_ffffn, hybridCgroups: false, hasRunc: true };

test("plain defaults where nothing is withheld", () => {
  expect(adapt("podman", plain)).toEqual({
    name: "podman",
    globalArguments: [],
    runArguments: [],
    adaptations: [],
  });
});

test("without CAP_SYS_RESOURCE the limits stay low, and it says so", () => {
  const engine = adapt("podman", { ...plain, capabilities: 0x1ff_feff_ffffn });
  expect(engine.runArguments).toEqual([
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1024:1024",
  ]);
  expect(engine.adaptations[0]).toContain("CAP_SYS_RESOURCE");
});

test("hybrid cgroups need runc", () => {
  const engine = adapt("podman", { ...plain, hybridCgroups: true });
  expect(engine.globalArguments).toEqual(["--runtime", "runc"]);
  expect(engine.adaptations[0]).toContain("runc");
});

test("docker's daemon and rootless podman adapt by themselves", () => {
  const poor = { ...plain, capabilities: 0n, hybridCgroups: true };
  expect(adapt("docker", poor).runArguments).toEqual([]);
  expect(adapt("podman", { ...poor, isRoot: false }).adaptations).toEqual([]);
});

describe("the engine", () => {
  const searchPath = process.env["PATH"];
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "engines-"));
    // What commands are started with.
    await symlink("/bin/sh", path.join(folder, "sh"));
    process.env["PATH"] = folder;
  });

  afterEach(async () => {
    process.env["PATH"] = searchPath;
    await rm(folder, { recursive: true, force: true });
  });

  async function program(name: string, script: string): Promise<void> {
    await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(folder, name), 0o755);
  }

  test("is podman where both answer", async () => {
    await program("podman", "echo 4.3.1");
    await program("docker", "echo 28.0");
    expect((await findEngine(silentLogger)).name).toBe("podman");
    expect((await findEngine(silentLogger, "docker")).name).toBe("docker");
  });

  test("is docker where podman is absent, or does not work", async () => {
    await program("docker", "echo 28.0");
    expect((await findEngine(silentLogger)).name).toBe("docker");
    await program("podman", "exit 125");
    expect((await findEngine(silentLogger)).name).toBe("docker");
  });

  test("is not docker's client without its daemon", async () => {
    await program("docker", 'case "$*" in *Server*) exit 1 ;; esac; echo 28.0');
    await expect(findEngine(silentLogger)).rejects.toMatchObject({
      code: "engine-missing",
      message: "neither podman nor a running docker is on this machine",
    });
  });
});

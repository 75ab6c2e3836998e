import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { run, start } from "@cleanroom/core";
import { beforeAll, describe, expect, test } from "vitest";
import { processesOf } from "../tools/bench/kill-at-random.ts";
import { Workspace } from "./workspace.ts";

/** The whole line on real input, in the order in which a user meets it. */

let workspace: Workspace;

/** A spec that no store has built yet, and that makes the same packages. */
const changed = (spec: string): string => `%global test_run ${randomUUID()}\n${spec}`;

beforeAll(async () => {
  workspace = await Workspace.copy();
  // The first run may start from an empty store: it fetches, imports and builds everything.
  const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build", "glib2", "catatonit"]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
});

describe("up", () => {
  test("ends with what the container printed: glib from our own package", async () => {
    const { exitCode, stdout, stderr } = await workspace.cleanroom(["up", "hello"]);
    expect(stderr).not.toContain("error:");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("2.84.4");
    expect(stdout).toMatch(/1000, process 1 is catatonit/);
    expect(stdout).toContain("a file that went through GIO");
  });

  test("a second time rebuilds nothing", async () => {
    const { exitCode, stdout, stderr } = await workspace.cleanroom(["up", "hello"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("2.84.4");
    expect(stderr).not.toMatch(/building|preparing|converting|unpacking|fetching/);
  });

  test("an image that is not there is a configuration error that names those that are", async () => {
    const { exitCode, stderr } = await workspace.cleanroom(["up", "helo"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("there is no image helo");
    expect(stderr).toMatch(/next: one of: .*hello/);
  });
});

describe("rpm build", () => {
  test("a build that fails says where, why, and where the log is", async () => {
    const broken = await Workspace.copy();
    await broken.edit("specs/rpm/catatonit/catatonit.spec", (spec) =>
      spec.replace(/^%build$/m, "%build\necho something is wrong >&2; exit 7"),
    );
    const { exitCode, stderr } = await broken.cleanroom(["rpm", "build", "catatonit"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("catatonit: rpmbuild: ");
    expect(stderr).toContain("something is wrong");
    const log = /log: (\S+)/.exec(stderr)?.[1] ?? "";
    expect(await readFile(log, "utf8")).toContain("something is wrong");
  });

  test("needs no network once sources and base are in the store", async () => {
    const edited = await Workspace.copy();
    await edited.edit("specs/rpm/catatonit/catatonit.spec", changed);
    const { exitCode, stderr } = await run(
      "unshare",
      ["--net", "--map-root-user", edited.path("cleanroom"), "rpm", "build", "catatonit"],
      { cwd: edited.folder, accept: [0, 1, 2, 70] },
    );
    expect(stderr).toContain("catatonit: built");
    expect(exitCode).toBe(0);
  });
});

describe("nx", () => {
  let copy: Workspace;

  beforeAll(async () => {
    copy = await Workspace.copy();
    const { stdout } = await copy.nx(
      "run-many",
      "-t",
      "rpm",
      "-p",
      "catatonit,glib2",
      "--parallel=1",
    );
    expect(stdout).toContain("Successfully ran target rpm");
  });

  test("a second run is all from the cache", async () => {
    const { stdout } = await copy.nx("run-many", "-t", "rpm", "-p", "catatonit,glib2");
    const [, cached, all] =
      /output from the cache instead of running the command for (\d+) out of (\d+) tasks/.exec(
        stdout,
      ) ?? [];
    expect(cached).toBe(all);
    expect(Number(all)).toBeGreaterThanOrEqual(3);
  });

  test("an edit in one spec rebuilds that package alone, and affected agrees", async () => {
    await copy.edit("specs/rpm/catatonit/catatonit.spec", changed);
    const affected = await copy.nx(
      "show",
      "projects",
      "--affected",
      "--withTarget=rpm",
      "--json",
      "--uncommitted",
    );
    expect(JSON.parse(affected.stdout)).toEqual(["catatonit"]);
    const { stdout } = await copy.nx(
      "run-many",
      "-t",
      "rpm",
      "-p",
      "catatonit,glib2",
      "--parallel=1",
      "--output-style=static",
    );
    const ran = [
      ...stdout.matchAll(
        /nx run (\S+):rpm(?!\S)(?!.*\[(?:local|remote) cache\]|.*existing outputs)/g,
      ),
    ].map((match) => match[1]);
    expect(ran).toEqual(["catatonit"]);
    expect(stdout).toContain("catatonit: built");
  });

  test("hello:image composes the image", async () => {
    const { stdout, exitCode } = await copy.nx("run", "hello:image");
    expect(stdout).toContain("Successfully ran target image for project hello");
    expect(exitCode).toBe(0);
  });
});

describe("killed with -9", () => {
  test("at any moment, the next run ends well and no process is left", async () => {
    const copy = await Workspace.copy();
    // Moments from the start of the program to the running container.
    for (const delayMs of [150, 900, 2500]) {
      await copy.edit("specs/rpm/catatonit/catatonit.spec", changed);
      const started = start(copy.path("cleanroom"), ["up", "hello"], { cwd: copy.folder });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      started.kill();
      await started.ended;
      const { exitCode, stdout } = await copy.cleanroom(["up", "hello"]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain("2.84.4");
    }
    expect(await processesOf(copy.folder)).toEqual([]);
  });
});

import { readdir, readFile, readlink, rm, truncate, utimes } from "node:fs/promises";
import { run } from "@cleanroom/core";
import { beforeAll, describe, expect, test } from "vitest";
import { syntheticLibraries, writeSyntheticSpecs } from "../tools/bench/synthetic-specs.ts";
import { Workspace } from "./workspace.ts";

let workspace: Workspace;

const spec = "specs/rpm/libepoxy/libepoxy.spec";

async function current(): Promise<string> {
  return readlink(workspace.path("dist/program/current"));
}

async function fromSources(...words: readonly string[]): Promise<string> {
  const program = workspace.path("packages/cli/src/main.ts");
  return (await run(process.execPath, [program, ...words], { cwd: workspace.folder })).stdout;
}

beforeAll(async () => {
  workspace = await Workspace.copy();
});

describe("the bundled program", () => {
  test("does what the sources do", async () => {
    for (const words of [["--help"], ["rpm", "--help"], ["spec", "query", spec]]) {
      const { stdout, exitCode } = await workspace.cleanroom(words);
      expect(exitCode).toBe(0);
      expect(stdout).toBe(await fromSources(...words));
    }
    expect(await readdir(workspace.path("dist/program/current"))).toContain("compiled");
  });

  test("is made anew after an edit, and only then", async () => {
    await workspace.cleanroom(["--version"]);
    const before = await current();
    await workspace.cleanroom(["--version"]);
    expect(await current()).toBe(before);
    const old = workspace.path("dist/program", before);
    await utimes(old, 0, 0);
    await workspace.edit("packages/cli/src/main.ts", (text) =>
      text.replace("const exitCode =", 'process.stdout.write("edited\\n");\nconst exitCode ='),
    );
    expect((await workspace.cleanroom(["--version"])).stdout).toMatch(/^edited\n/);
    expect(await current()).not.toBe(before);
    // However old: what still runs may load another part of it.
    expect(await readdir(old)).toContain("main.js");
    await workspace.git("checkout", "--", "packages");
    expect((await workspace.cleanroom(["--version"])).stdout).not.toContain("edited");
  });

  test("is made anew once it is gone", async () => {
    await rm(workspace.path("dist"), { recursive: true });
    expect((await workspace.cleanroom(["--version"])).exitCode).toBe(0);
    expect(await current()).toMatch(/^made-/);
  });

  test("remembers what specs and YAML files say by their text, and only by that", async () => {
    const epoxy = async (): Promise<unknown> => {
      const { stdout } = await workspace.cleanroom(["rpm", "explain", "libepoxy", "--json"]);
      return JSON.parse(stdout);
    };
    const memory = workspace.path("dist/program/current/memory");
    const before = await epoxy();
    expect((await readFile(memory, "utf8")).split("\n").length).toBeGreaterThan(20);
    expect(await epoxy()).toEqual(before);
    await workspace.edit(spec, (text) => text.replace("%build\n", "%build\n: edited\n"));
    const edited = await epoxy();
    expect(edited).not.toEqual(before);
    await workspace.git("checkout", "--", "specs");
    expect(await epoxy()).toEqual(before);
    await workspace.edit("specs/rpm/libepoxy/package.yaml", (text) =>
      text.replace(/^profiles:.*$/m, "profiles: [no-x11]"),
    );
    expect(await epoxy()).not.toEqual(before);
    await workspace.git("checkout", "--", "specs");
    await truncate(memory, 5000);
    expect(await epoxy()).toEqual(before);
  });

  test("plans many specs that it has never seen as the sources do, and remembers them", async () => {
    // Enough for other threads, which the bundle must have brought along.
    const libraries = syntheticLibraries(260);
    await rm(workspace.path("specs/rpm"), { recursive: true });
    await writeSyntheticSpecs(workspace.path("specs/rpm"), libraries);
    await workspace.cleanroom(["--version"]);
    const memory = workspace.path("dist/program/current/memory");
    await rm(memory, { force: true });
    const words = ["rpm", "build", "--plan", "--json"];
    const first = await workspace.cleanroom(words);
    expect(first.stderr).toBe("");
    expect((await readFile(memory, "utf8")).match(/"name":"lib\d{4}","version"/g)).toHaveLength(
      260,
    );
    expect(JSON.parse(first.stdout)).toHaveLength(260);
    expect((await workspace.cleanroom(words)).stdout).toBe(first.stdout);
    expect(await fromSources(...words)).toBe(first.stdout);
    await rm(workspace.path("specs/rpm"), { recursive: true });
    await workspace.git("checkout", "--", "specs");
  });

  test("is done without while a source is broken, and says where", async () => {
    await workspace.edit("packages/cli/src/commands/doctor.ts", (text) => `${text}\nconst = 1;\n`);
    const { stdout, stderr, exitCode } = await workspace.cleanroom(["spec", "query", spec]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(await fromSources("spec", "query", spec));
    expect(stderr).toContain("commands/doctor.ts");
    // Nor does a run without one stand in the way of the first.
    await rm(workspace.path("dist"), { recursive: true });
    expect((await workspace.cleanroom(["spec", "query", spec])).exitCode).toBe(0);
    await workspace.git("checkout", "--", "packages");
    const mended = await workspace.cleanroom(["--version"]);
    expect(mended.stderr).toBe("");
    expect(await current()).toMatch(/^made-/);
  });
});

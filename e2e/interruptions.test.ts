import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { type CommandResult, defaultStoreFolder, run, sha256, start } from "@cleanroom/core";
import { beforeAll, describe, expect, test } from "vitest";
import { halfMade, killAtRandom, processesOf } from "../tools/bench/kill-at-random.ts";
import { syntheticLibraries, writeSyntheticSpecs } from "../tools/bench/synthetic-specs.ts";
import { Workspace } from "./workspace.ts";

/** What ends a run, or gets in its way, on a stack of two small libraries. */

let workspace: Workspace;

const spec = "specs/rpm/lib0000/lib0000.spec";

beforeAll(async () => {
  workspace = await Workspace.copy();
  for (const kind of ["rpm", "image"]) {
    await rm(workspace.path("specs", kind), { recursive: true, force: true });
  }
  await writeSyntheticSpecs(workspace.path("specs/rpm"), syntheticLibraries(2));
  await workspace.git("add", "-A");
  await workspace.commit("two libraries");
  const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build"]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
});

/** Has the first library's build do something more, and be one that no store has built. */
async function inBuild(command: string): Promise<void> {
  await workspace.git("checkout", "--", "specs");
  await workspace.edit(spec, (text) =>
    `%global run ${randomUUID()}\n${text}`.replace(/^%build$/m, () => `%build\n${command}`),
  );
}

const build = (...args: readonly string[]): Promise<CommandResult> =>
  workspace.cleanroom(["rpm", "build", ...args]);

/** Mounts below the workspace or the store that others can see. */
async function mountsLeft(): Promise<readonly string[]> {
  const folders = [workspace.folder, defaultStoreFolder(process.env)];
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return mounts.filter((line) => folders.some((folder) => line.includes(`${folder}/`)));
}

/** Waits until the log of the first library's build holds a word. */
async function logged(word: string): Promise<void> {
  const file = `${defaultStoreFolder(process.env)}/logs/lib0000.log`;
  while (!(await readFile(file, "utf8").catch(() => "")).includes(word)) await setTimeout(50);
}

describe("interrupted", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "by %s, it says so and leaves nothing",
    async (signal) => {
      const word = randomUUID();
      await inBuild(`echo begun ${word}; sleep 600`);
      const running = start(workspace.path("cleanroom"), ["rpm", "build"], {
        cwd: workspace.folder,
      });
      await logged(`begun ${word}`);
      for (const { pid, line } of await processesOf(workspace.folder)) {
        if (line.includes("/main.js rpm build")) process.kill(pid, signal);
      }
      const { exitCode, stderr } = await running.ended;
      expect(exitCode).toBe(130);
      expect(stderr).toContain("interrupted: nothing half-made is kept");
      expect(stderr).not.toContain("bug in Cleanroom");
      expect(await processesOf(workspace.folder)).toEqual([]);
      expect(await halfMade(workspace)).toEqual([]);
      expect(await mountsLeft()).toEqual([]);
    },
  );

  test("by SIGKILL at any moment, the next run makes the same and clears up", async () => {
    await workspace.git("checkout", "--", "specs");
    expect(await killAtRandom(workspace, 4)).toEqual({ same: 4, left: 0 });
  });
});

describe("a build that fails", () => {
  test("is told while others go on, and counted at the end", async () => {
    await inBuild("echo no such luck >&2; exit 7");
    const other = (await readFile(workspace.path(spec), "utf8"))
      .replaceAll("lib0000", "other")
      .replace("exit 7", "true");
    await workspace.write("specs/rpm/other/other.spec", other);
    for (const ending of [".c", ".h", "-test.c"]) {
      const text = await readFile(workspace.path(`specs/rpm/lib0000/lib0000${ending}`), "utf8");
      await workspace.write(`specs/rpm/other/other${ending}`, text.replaceAll("lib0000", "other"));
    }
    const { exitCode, stderr } = await build("--keep-going", "--parallel", "1");
    await workspace.git("clean", "--quiet", "--force", "-d", "specs");
    expect(exitCode).toBe(1);
    const places = [
      "error: lib0000: rpmbuild: rpmbuild exited with 1",
      "no such luck",
      "logs/lib0000.log",
      "not built because of that: lib0001",
      "error: 1 of 3 builds failed: lib0000",
    ].map((words) => [words, stderr.indexOf(words)] as const);
    expect(stderr).toContain("other: built 3 RPMs");
    expect(places.filter(([, at]) => at < 0)).toEqual([]);
    expect(places.toSorted(([, a], [, b]) => a - b)).toEqual(places);
  });
});

describe("two runs at once", () => {
  test("build what both need once", async () => {
    await inBuild("sleep 1");
    const runs = await Promise.all([build("--json", "lib0000"), build("--json", "lib0000")]);
    const results = runs.map(({ exitCode, stdout, stderr }) => {
      expect(stderr).not.toContain("error:");
      expect(exitCode).toBe(0);
      return JSON.parse(stdout) as readonly { how: string; rpms: readonly object[] }[];
    });
    expect(new Set(results.map(([result]) => result?.how))).toEqual(new Set(["built", "cached"]));
    expect(results[0]?.[0]?.rpms).toEqual(results[1]?.[0]?.rpms);
  });
});

describe("a file that is changed while it is built", () => {
  test("is built as it was, and as it is the next time", async () => {
    const word = randomUUID();
    await inBuild(`echo begun ${word}; sleep 2`);
    const running = build("--json", "lib0000");
    await logged(`begun ${word}`);
    await workspace.edit("specs/rpm/lib0000/lib0000.c", (text) =>
      text.replace("return 1", "return 3"),
    );
    expect((await running).exitCode).toBe(0);
    const again = await build("--json", "lib0000");
    expect(JSON.parse(again.stdout)).toMatchObject([{ how: "built" }]);
    expect(JSON.parse((await build("--json", "lib0000")).stdout)).toMatchObject([
      { how: "cached" },
    ]);
  });
});

describe("a source's server", () => {
  test("that breaks off, and then is gone, is named; the next run goes on where it ended", async () => {
    await workspace.git("checkout", "--", "specs");
    // Random, so that no store has it.
    const archive = randomBytes(300_000);
    const asked: (string | undefined)[] = [];
    let isWhole = false;
    const server = createServer((request, response) => {
      asked.push(request.headers.range);
      const begin = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const { length } = archive;
      response.writeHead(begin === 0 ? 200 : 206, { "content-length": length - begin });
      if (isWhole) response.end(archive.subarray(begin));
      else response.write(archive.subarray(0, 100_000), () => void breakOff(response));
    });
    // What has come is not yet what has been put down: the end of a connection overtakes bytes.
    const partial = `${defaultStoreFolder(process.env)}/sources/${sha256(archive)}.partial`;
    const breakOff = async (response: ServerResponse): Promise<void> => {
      while ((await stat(partial).catch(() => undefined))?.size !== 100_000) await setTimeout(20);
      response.destroy();
    };
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await workspace.edit(spec, (text) =>
      text.replace("Source0:", `Source7: http://127.0.0.1:${port}/random.bin\nSource0:`),
    );
    const lock = { file: "random.bin", sha256: sha256(archive), size: archive.length };
    const lockFile = workspace.path("specs/rpm/lib0000/sources.lock.yaml");
    await writeFile(lockFile, JSON.stringify({ sources: [{ ...lock, from: ["url"] }] }));

    const broken = await build("lib0000");
    expect(broken.exitCode).toBe(1);
    expect(broken.stderr).toContain("lib0000: random.bin (sha256");
    expect(broken.stderr).toContain(`http://127.0.0.1:${port}/random.bin: `);
    server.closeAllConnections();
    server.close();
    const gone = await build("lib0000");
    expect(gone.exitCode).toBe(1);
    expect(gone.stderr).toContain("ECONNREFUSED");
    expect(gone.stderr).not.toContain("bug in Cleanroom");

    isWhole = true;
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const whole = await build("lib0000");
    server.closeAllConnections();
    server.close();
    await rm(lockFile);
    expect(whole.stderr).toContain("lib0000: built");
    expect(asked[0]).toBeUndefined();
    expect(asked.at(-1)).toBe("bytes=100000-");
  });
});

describe("a machine that runs out", () => {
  /** Runs with a store whose changes go to a disk of so many MiB. */
  const onSmallDisk = async (mebibytes: number, script: string): Promise<CommandResult> => {
    const folder = workspace.path("small");
    await mkdir(folder, { recursive: true });
    const mounting = `set -e
      mount -t tmpfs -o size=${mebibytes}m,mode=755 none "$1"
      mkdir "$1/upper" "$1/work" "$1/store"
      mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/store"
      set +e
      cleanroom() { ./cleanroom --store "$folder/store" "$@"; }
      folder=$1
      ${script}`;
    const store = defaultStoreFolder(process.env);
    return run(
      "unshare",
      ["--user", "--map-root-user", "--mount", "sh", "-c", mounting, "sh", folder, store],
      { cwd: workspace.folder, accept: Array.from({ length: 256 }, (_, code) => code) },
    );
  };

  test("of disk says so, and goes on when there is room again", async () => {
    await inBuild("[ ! -e fill ] && dd if=/dev/zero of=fill bs=1M count=300");
    const { stdout, stderr } = await onSmallDisk(
      100,
      `cleanroom rpm build lib0000; echo "first: $?"
       sed -i 's/ && dd .*//' ${spec}
       cleanroom rpm build lib0000; echo "second: $?"`,
    );
    expect(stderr).toContain("No space left on device");
    expect(stderr).toMatch(/next: the store's disk, or memory .* is full/);
    expect(stderr).not.toContain("bug in Cleanroom");
    expect(stdout).toContain("first: 1");
    expect(stdout).toContain("second: 0");
  });

  test("of disk before anything is built says so as well", async () => {
    await inBuild("true");
    const { stdout, stderr } = await onSmallDisk(
      1,
      `dd if=/dev/zero of="$folder/fill" bs=4k 2>/dev/null
       cleanroom rpm build lib0000; echo "exit: $?"`,
    );
    expect(stderr).toContain("the disk is full");
    expect(stderr).not.toContain("bug in Cleanroom");
    expect(stdout).toContain("exit: 1");
  });

  test.each([
    // What the kernel does to a process when there is none left.
    ["by the kernel", "sh -c 'kill -KILL $$'"],
    // A program that may not have more than so many KiB.
    ["by a limit", `ulimit -v 100000; awk 'BEGIN { s = "x"; while (1) s = s s }'`],
  ])("of memory in a build, told %s, says so", async (_by, command) => {
    await inBuild(command);
    const { exitCode, stderr } = await build("lib0000");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/next: the machine's memory was used up, as it seems/);
  });

  test("of room in /tmp is no trouble: nothing is kept there", async () => {
    await inBuild("true");
    const full = workspace.path("full");
    await mkdir(full);
    const script = `mount -t tmpfs -o size=4k none "$1"; dd if=/dev/zero of="$1/fill" 2>/dev/null
      TMPDIR=$1 exec ./cleanroom rpm build lib0000`;
    const { exitCode, stderr } = await run(
      "unshare",
      ["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", full],
      { cwd: workspace.folder, accept: [0, 1, 2, 70] },
    );
    expect(stderr).toContain("lib0000: built");
    expect(exitCode).toBe(0);
  });
});

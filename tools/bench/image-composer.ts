// Composing an image beside `dnf --installroot` and `buildah commit`, on the same packages:
//   node tools/bench/image-composer.ts [--peer] [--runs 3] [--kills 30] [--compression gzip]
// Needs an imported base in the user's store, and root; dnf and buildah for --peer. Times and memory
// are of whole processes with all that they start, medians of runs in turn; memory is looked at every
// 20 ms, and the most counts. Works in a folder of its own: the store of the first row is empty, while base
// and generation are published already.
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { removeFolder, run, silentLogger, start, Store } from "@cleanroom/core";
import {
  diffImages,
  type ImageRequest,
  inspectImage,
  type ListedImage,
  readContents,
  verifyImage,
} from "@cleanroom/image-composer";
import { publish, signingKey } from "@cleanroom/repo-publisher";
import { bundle } from "../bundle.ts";
import { buildPackages, importedBase } from "../../e2e/repo-publisher-fixture.ts";
import type { Work } from "./image-composer-child.ts";

const { values } = parseArgs({
  options: {
    peer: { type: "boolean", default: false },
    compression: { type: "string", default: "gzip" },
    kills: { type: "string", default: "0" },
    runs: { type: "string", default: "3" },
  },
});

const child = path.join(import.meta.dirname, "image-composer-child.ts");

/** With what they need, some 120 packages: those of the base, and one that the benchmark changes. */
const wanted = [
  ...["base-files", "bash", "coreutils", "dash", "libc-bin", "sed", "grep", "findutils", "tar"],
  ...["python3", "gettext", "patch", "meson", "rpm", "g++", "dbus-daemon"],
  ...["fonts-dejavu-core", "changing"],
];

interface Measured {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly stdout: string;
}

/** Where the kernel counts what a group of processes takes: control groups of version 1, or 2. */
interface Account {
  readonly cpu: { readonly folder: string; readonly file: string };
  readonly memory: { readonly folder: string; readonly count: RegExp };
  cpuSeconds(text: string): number;
}

const accounts: readonly Account[] = [
  {
    cpu: { folder: "/sys/fs/cgroup/cpuacct", file: "cpuacct.usage" },
    memory: { folder: "/sys/fs/cgroup/memory", count: /^total_rss (\d+)/m },
    cpuSeconds: (text) => Number(text) / 1e9,
  },
  {
    cpu: { folder: "/sys/fs/cgroup", file: "cpu.stat" },
    memory: { folder: "/sys/fs/cgroup", count: /^anon (\d+)/m },
    cpuSeconds: (text) => Number(/usage_usec (\d+)/.exec(text)?.[1]) / 1e6,
  },
];

/**
 * Runs a command with everything it starts, counted by a control group: a sandbox's processes are
 * nobody's children, so times(2) does not see them.
 */
async function measure(command: readonly string[], input = ""): Promise<Measured> {
  const account = accounts.find(({ cpu }) => existsSync(path.join(cpu.folder, "cgroup.procs")));
  if (account === undefined) throw new Error("no control groups on this machine");
  const name = `cleanroom-bench-${process.pid}`;
  const [cpu, memory] = [account.cpu.folder, account.memory.folder].map((one) =>
    path.join(one, name),
  ) as [string, string];
  const groups = [...new Set([cpu, memory])];
  for (const group of groups) await mkdir(group);
  let peakBytes = 0;
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const stat = await readFile(path.join(memory, "memory.stat"), "utf8");
      peakBytes = Math.max(peakBytes, Number(account.memory.count.exec(stat)?.[1] ?? 0));
      await sleep(20);
    }
  };
  const looking = look();
  try {
    const enter = groups.map((group) => `echo $$ > "${group}/cgroup.procs"`).join("; ");
    const argv = ["-c", `${enter}; exec "$@"`, "sh", ...command];
    const { stdout, durationMs } = await run("sh", argv, { input });
    const used = account.cpuSeconds(await readFile(path.join(cpu, account.cpu.file), "utf8"));
    return { wallSeconds: durationMs / 1000, cpuSeconds: used, peakBytes, stdout };
  } finally {
    over.abort();
    await looking;
    for (const group of groups) await rmdir(group);
  }
}

interface Row {
  readonly name: string;
  readonly measured: Measured;
  readonly bar: string;
}

/** Medians of runs. */
function typical(runs: readonly Measured[]): Measured {
  const median = (figure: (run: Measured) => number): number =>
    runs.map(figure).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] ?? 0;
  return {
    wallSeconds: median(({ wallSeconds }) => wallSeconds),
    cpuSeconds: median(({ cpuSeconds }) => cpuSeconds),
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
    stdout: runs[0]?.stdout ?? "{}",
  };
}

/** The table, and the same figures as shares of the peer's CPU time. */
function show(rows: readonly Row[], peer: Measured | undefined): void {
  const cells = rows.map(({ name, measured, bar }) => {
    const { wallSeconds, cpuSeconds, peakBytes, stdout } = measured;
    const { packages, bytes } = JSON.parse(stdout) as { packages?: number; bytes: number };
    return [
      name,
      `${wallSeconds.toFixed(2)} s`,
      `${cpuSeconds.toFixed(2)} s`,
      peer === undefined ? "" : `${Math.round((100 * cpuSeconds) / peer.cpuSeconds)} %`,
      `${Math.round(peakBytes / 1e6)} MB`,
      `${(bytes / 1e6).toFixed(1)} MB`,
      packages === undefined ? "" : String(packages),
      bar,
    ];
  });
  const table = [
    ["", "wall", "CPU", "of the peer's", "memory", "compressed", "packages", "bar"],
    ...cells,
  ];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  );
  for (const row of table) {
    console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  }
}

/**
 * Builds at random moments ended by SIGKILL, an old image in place: afterwards it is there, or the
 * new one, and whole.
 */
async function torture(
  count: number,
  output: string,
  build: (version: string) => Promise<Measured>,
  killed: (version: string, delayMs: number) => Promise<void>,
): Promise<void> {
  const digests: string[] = [];
  let longestMs = 0;
  for (const version of ["1", "2"]) {
    longestMs = Math.max(longestMs, (await build(version)).wallSeconds * 1000);
    digests.push((await inspectImage(output)).digest);
  }
  const seen = new Map<string, number>();
  for (let run = 0; run < count; run += 1) {
    const version = run % 2 === 0 ? "1" : "2";
    // Now and then late enough for the build to be through.
    await killed(version, Math.random() * 1.3 * longestMs);
    const { digest } = await verifyImage(output);
    if (!digests.includes(digest)) throw new Error(`neither old nor new: ${digest}`);
    seen.set(digest, (seen.get(digest) ?? 0) + 1);
  }
  const [old = 0, next = 0] = digests.map((digest) => seen.get(digest));
  console.log(`killed ${count} times: ${old} times one image, ${next} times the other, all whole`);
}

const changingSpec = (version: string): string => `Name: changing
Version: ${version}
Release: 1
Summary: The package that changes
License: MIT
BuildArch: noarch
%description
For the benchmark.
%install
mkdir -p %{buildroot}/usr/share/changing
seq ${version} 300000 > %{buildroot}/usr/share/changing/numbers
%files
/usr/share/changing
`;

async function listed(output: string): Promise<ListedImage> {
  return { image: await inspectImage(output), contents: await readContents(output) };
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "bench-image-"));
  try {
    const { tools, compressor, repository, digest } = await importedBase();
    const base = { id: "debian-trixie", priority: 99, digest, location: { folder: repository } };
    const publishing = await Store.open(path.join(folder, "publishing"), silentLogger);
    const image = path.join(folder, "image");
    await mkdir(image);
    await writeFile(
      path.join(image, "image.yaml"),
      `base: debian-trixie
packages: [${wanted.join(", ")}]
slim: { docs: false }
compression: ${values.compression}
policy: { allow: { packages: ["*"], files: ["/**"] } }
`,
    );
    const requests = new Map<string, ImageRequest>();
    const published: string[] = [];
    for (const version of ["1", "2"]) {
      const built = path.join(folder, version);
      const packages = await buildPackages(tools, built, { changing: changingSpec(version) });
      const context = { store: publishing, tools, logger: silentLogger };
      const generation = await publish({ ...context, packages });
      const { publicKey } = await signingKey(context);
      published.push(generation.folder);
      const own = { id: "own", priority: 1, digest: generation.id, publicKey };
      requests.set(version, {
        ...{ name: "bench", folder: image, arch: "x86_64" },
        repositories: [{ ...own, location: { folder: generation.folder } }, base],
      });
    }
    const requestFor = (version: string): ImageRequest => requests.get(version)!;
    const workFor = (version: string, lock: boolean): Work => ({
      ...{ store: path.join(folder, "store"), output: path.join(folder, "output") },
      ...{ tools, compressor, request: requestFor(version), lock },
    });
    // As the launcher starts the command line.
    await bundle({ child }, path.join(folder, "program"));
    const program = [
      ...["env", `NODE_COMPILE_CACHE=${path.join(folder, "compiled")}`],
      ...["node", "--max-semi-space-size=16", path.join(folder, "program/child.js")],
    ];
    const ours = async (version: string, lock: boolean): Promise<Measured> =>
      measure(program, JSON.stringify(workFor(version, lock)));
    const output = path.join(folder, "output");
    const kept = path.join(folder, "kept");
    // Node's own cache is not the store: the program has been started before, as far as its first input.
    await run("env", program.slice(1), { accept: [1] });
    const cold: Measured[] = [];
    const nothing: Measured[] = [];
    const changed: Measured[] = [];
    const peers: Measured[] = [];
    for (let round = 0; round < Number(values.runs); round += 1) {
      for (const name of ["store", "output", "kept", "image/image.lock.yaml"]) {
        await removeFolder(path.join(folder, name));
      }
      cold.push(await ours("1", true));
      await cp(output, kept, { recursive: true });
      nothing.push(await ours("1", false));
      changed.push(await ours("2", true));
      if (values.peer) peers.push(await peer(folder, published[0] ?? "", repository));
    }
    const row = (name: string, runs: readonly Measured[], bar: string): Row => {
      return { name, measured: typical(runs), bar };
    };
    const rows: Row[] = [
      row("cold store", cold, "50 % of the peer's CPU"),
      row("nothing changed", nothing, "0.4 s"),
      row("one package changed", changed, "1 s, 10 % of the peer's CPU"),
    ];
    const { layers, pullBytes } = diffImages(await listed(kept), await listed(output));
    const other = values.peer ? typical(peers) : undefined;
    if (other !== undefined) {
      rows.push({ name: "dnf --installroot + buildah commit", measured: other, bar: "" });
    }
    show(rows, other);
    console.log(
      `after the change ${layers.added.length} of ${layers.added.length + layers.shared.length} layers are pulled, ${(pullBytes / 1e6).toFixed(1)} MB: bar: the package's own and the state layer`,
    );
    const kills = Number(values.kills);
    if (kills > 0) {
      // Nothing is known already: every build has all steps to be ended in.
      const forget = async (): Promise<void> => removeFolder(path.join(folder, "store/ac"));
      await torture(
        kills,
        output,
        async (version) => {
          await forget();
          return ours(version, true);
        },
        async (version, delayMs) => {
          await forget();
          const started = start("env", program.slice(1), {
            input: JSON.stringify(workFor(version, true)),
          });
          await sleep(delayMs);
          started.kill();
          await started.ended;
        },
      );
    }
  } finally {
    await removeFolder(folder);
  }
}

/** @param requestFolder repository of the package that changes */
async function peer(folder: string, requestFolder: string, base: string): Promise<Measured> {
  const container = (await run("buildah", ["from", "scratch"])).stdout.trim();
  try {
    const root = (await run("buildah", ["mount", container])).stdout.trim();
    const dnf = [
      ...["dnf", "-y", "-q", `--installroot=${root}`, "--releasever=13", "--nogpgcheck"],
      ...["--setopt=install_weak_deps=False", "--setopt=tsflags=nodocs", "--setopt=reposdir=/none"],
      ...[`--setopt=cachedir=${folder}/cache`, `--setopt=persistdir=${folder}/persist`],
      ...[`--repofrompath=own,file://${requestFolder}`, `--repofrompath=base,file://${base}`],
      ...["install", ...wanted],
    ];
    const commit = [
      "buildah",
      "commit",
      "-q",
      "--disable-compression=false",
      container,
      `oci:${folder}/peer:x`,
    ];
    const quoted = (command: readonly string[]): string =>
      command.map((word) => `'${word}'`).join(" ");
    const sizes = `du --summarize --bytes ${folder}/peer/blobs | cut -f 1`;
    const measured = await measure([
      ...["sh", "-ec", `${quoted(dnf)} >&2; ${quoted(commit)} >&2; ${sizes}`],
    ]);
    return { ...measured, stdout: JSON.stringify({ bytes: Number(measured.stdout) }) };
  } finally {
    await run("buildah", ["rm", container]);
    for (const name of ["peer", "cache", "persist"]) await removeFolder(path.join(folder, name));
  }
}

await main();

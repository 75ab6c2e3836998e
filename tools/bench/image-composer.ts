// Composing an image beside `dnf --installroot` and `buildah commit`, on the same packages:
//   node tools/bench/image-composer.ts [--peer] [--kills 30] [--compression gzip]
// Needs an imported base in the user's store, and root; dnf and buildah for --peer. Times are of whole
// processes with all that they start. Works in a folder of its own.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  defaultStoreFolder,
  removeFolder,
  run,
  runInSandbox,
  silentLogger,
  start,
  Store,
  type Tools,
} from "@cleanroom/core";
import {
  buildImage,
  type ImageRequest,
  inspectImage,
  lockImage,
  verifyImage,
} from "@cleanroom/image-composer";

const { values } = parseArgs({
  options: {
    peer: { type: "boolean", default: false },
    compression: { type: "string", default: "zstd" },
    kills: { type: "string", default: "0" },
    child: { type: "string" },
  },
});

/** With what they need, some 120 packages of the base, and one that the benchmark changes. */
const wanted = [
  ...["base-files", "bash", "coreutils", "dash", "libc-bin", "sed", "grep", "findutils", "tar"],
  ...["python3", "gettext", "patch", "meson", "rpm", "g++", "dbus-daemon"],
  ...["fonts-dejavu-core", "changing"],
];

interface Work {
  readonly store: string;
  readonly output: string;
  readonly tools: Tools;
  readonly request: ImageRequest;
  readonly lock: boolean;
}

async function child(): Promise<void> {
  const work = JSON.parse(await text(process.stdin)) as Work;
  const store = await Store.open(work.store, silentLogger);
  const context = { store, tools: work.tools, logger: silentLogger };
  if (work.lock) await lockImage(context, work.request);
  const image = await buildImage(context, work.request, { output: work.output });
  const peakKiB = process.resourceUsage().maxRSS;
  process.stdout.write(JSON.stringify({ packages: image.packages.length, peakKiB }));
}

interface Measured {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly stdout: string;
}

/** Where the kernel counts CPU time of a group of processes: cgroup v1, or v2. */
const accounts = [
  {
    folder: "/sys/fs/cgroup/cpuacct",
    file: "cpuacct.usage",
    seconds: (text: string) => Number(text) / 1e9,
  },
  {
    folder: "/sys/fs/cgroup",
    file: "cpu.stat",
    seconds: (text: string) => Number(/usage_usec (\d+)/.exec(text)?.[1]) / 1e6,
  },
];

/**
 * Runs a command with everything it starts, counted by a control group: a sandbox's processes are
 * nobody's children, so times(2) does not see them.
 */
async function measure(command: readonly string[], input = ""): Promise<Measured> {
  const account = accounts.find(({ folder }) => existsSync(folder));
  if (account === undefined) throw new Error("no control groups on this machine");
  const group = path.join(account.folder, `cleanroom-bench-${process.pid}`);
  await mkdir(group);
  try {
    const script = 'echo $$ > "$0/cgroup.procs"; exec "$@"';
    const { stdout, durationMs } = await run("sh", ["-c", script, group, ...command], { input });
    const used = account.seconds(await readFile(path.join(group, account.file), "utf8"));
    return { wallSeconds: durationMs / 1000, cpuSeconds: used, stdout };
  } finally {
    await rmdir(group);
  }
}

interface Row {
  readonly name: string;
  readonly measured: Measured;
  readonly bar: string;
}

/** The table, and the same figures as shares of the peer's CPU time. */
function show(rows: readonly Row[], peer: Measured | undefined): void {
  const cells = rows.map(({ name, measured: { wallSeconds, cpuSeconds, stdout }, bar }) => {
    const { packages, peakKiB } = stdout.startsWith("{")
      ? (JSON.parse(stdout) as { packages: number; peakKiB: number })
      : { packages: undefined, peakKiB: undefined };
    return [
      name,
      `${wallSeconds.toFixed(2)} s`,
      `${cpuSeconds.toFixed(2)} s`,
      peer === undefined ? "" : `${Math.round((100 * cpuSeconds) / peer.cpuSeconds)} %`,
      peakKiB === undefined ? "" : `${Math.round(peakKiB / 1024)} MiB`,
      packages === undefined ? "" : String(packages),
      bar,
    ];
  });
  const table = [["", "wall", "CPU", "of the peer's", "memory", "packages", "bar"], ...cells];
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

async function newest(folder: string, prefix: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  const found = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(path.join(folder, name))).ctimeMs })),
  );
  const [first] = found.toSorted((a, b) => b.at - a.at);
  if (first === undefined) throw new Error(`nothing in ${folder}: import a base first`);
  return first.name;
}

async function makeChanging(tools: Tools, folder: string, version: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const spec = `Name: changing
Version: ${version}
Release: 1
Summary: The package that changes
License: MIT
BuildArch: noarch
%description
For the benchmark.
%install
mkdir -p %{buildroot}/usr/share/changing; echo ${version} > %{buildroot}/usr/share/changing/version
%files
/usr/share/changing
`;
  await writeFile(path.join(folder, "changing.spec"), spec);
  await runInSandbox(
    {
      root: tools.root,
      mounts: [{ source: folder, target: "/work", writable: true }],
      env: { SOURCE_DATE_EPOCH: "1700000000" },
    },
    [
      "sh",
      "-euc",
      `rpmbuild --quiet -bb --define '_topdir /tmp/b' --define '_tmppath /tmp' --define '_rpmdir /work' /work/changing.spec
rm /work/changing.spec; createrepo_c --quiet /work`,
    ],
  );
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "bench-image-"));
  try {
    const user = defaultStoreFolder(process.env);
    const toolsName = await newest(path.join(user, "roots"), "tools-");
    const tools = {
      root: path.join(user, "roots", toolsName),
      digest: toolsName.replace("tools-", ""),
    };
    const bases = path.join(user, "repos/base-debian-trixie");
    const base = await newest(bases, "");
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
    const requestFor = (version: string): ImageRequest => ({
      ...{ name: "bench", folder: image, arch: "x86_64" },
      repositories: [
        {
          ...{ id: "own", priority: 1, digest: version },
          location: { folder: path.join(folder, version) },
        },
        {
          ...{ id: "debian-trixie", priority: 99, digest: base },
          location: { folder: path.join(bases, base) },
        },
      ],
    });
    for (const version of ["1", "2"])
      await makeChanging(tools, path.join(folder, version), version);
    const workFor = (version: string, lock: boolean): Work => ({
      ...{ store: path.join(folder, "store"), output: path.join(folder, "output") },
      ...{ tools, request: requestFor(version), lock },
    });
    const ours = async (version: string, lock: boolean): Promise<Measured> => {
      const program = ["node", import.meta.filename, "--child", "yes"];
      return measure(program, JSON.stringify(workFor(version, lock)));
    };
    const rows: Row[] = [
      { name: "cold store", measured: await ours("1", true), bar: "50 % of the peer's CPU" },
      { name: "nothing changed", measured: await ours("1", false), bar: "0.4 s" },
      {
        name: "one package changed",
        measured: await ours("2", true),
        bar: "1 s, 10 % of the peer's CPU",
      },
    ];
    const other = values.peer ? await peer(folder, path.join(bases, base)) : undefined;
    if (other !== undefined) {
      rows.push({ name: "dnf --installroot + buildah commit", measured: other, bar: "" });
    }
    show(rows, other);
    const kills = Number(values.kills);
    if (kills > 0) {
      const output = path.join(folder, "output");
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
          const program = start("node", [import.meta.filename, "--child", "yes"], {
            input: JSON.stringify(workFor(version, true)),
          });
          await sleep(delayMs);
          program.kill();
          await program.ended;
        },
      );
    }
  } finally {
    await removeFolder(folder);
  }
}

async function peer(folder: string, base: string): Promise<Measured> {
  const container = (await run("buildah", ["from", "scratch"])).stdout.trim();
  try {
    const root = (await run("buildah", ["mount", container])).stdout.trim();
    const dnf = [
      ...["dnf", "-y", "-q", `--installroot=${root}`, "--releasever=13", "--nogpgcheck"],
      ...["--setopt=install_weak_deps=False", "--setopt=tsflags=nodocs", "--setopt=reposdir=/none"],
      ...[`--setopt=cachedir=${folder}/cache`, `--setopt=persistdir=${folder}/persist`],
      ...[`--repofrompath=own,file://${folder}/1`, `--repofrompath=base,file://${base}`],
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
    return await measure(["sh", "-ec", `${quoted(dnf)} >&2; ${quoted(commit)} >&2`]);
  } finally {
    await run("buildah", ["rm", container]);
    await rm(path.join(folder, "peer"), { recursive: true, force: true });
  }
}

await (values.child === undefined ? main() : child());

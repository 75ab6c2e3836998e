import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, openRemoteStore, ownResultKey } from "@cleanroom/core";
import { buildPackages } from "@cleanroom/rpm-runner";
import type { CommandModule } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";

async function show(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const store = await session.store();
  const parts: Record<string, { files: number; bytes: number }> = {};
  const seen = new Set<number>();
  for (const name of [
    "cas",
    "ac",
    "sources",
    "layers",
    "roots",
    "ccache",
    "dev",
    "repos",
    "tmp",
    "damaged",
  ]) {
    parts[name] = await measure(store.path(name), seen);
  }
  session.print(
    { folder: store.folder, parts },
    [
      store.folder,
      ...Object.entries(parts).map(
        ([name, { files, bytes }]) =>
          `  ${name.padEnd(8)} ${String(files).padStart(7)} files ${(bytes / 1e6).toFixed(1).padStart(9)} MB`,
      ),
    ].join("\n"),
  );
}

/** Files and bytes below a folder; a file with several names counts where it is met first. */
async function measure(
  folder: string,
  seen: Set<number>,
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissingFile(error)) return [];
    throw error;
  });
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      const below = await measure(file, seen);
      files += below.files;
      bytes += below.bytes;
    } else if (entry.isFile()) {
      const { ino, size } = await stat(file);
      files += 1;
      if (!seen.has(ino)) bytes += size;
      seen.add(ino);
    }
  }
  return { files, bytes };
}

interface GcOptions extends GlobalOptions {
  readonly days: number;
}

async function gc(options: GcOptions): Promise<void> {
  const session = new Session(options);
  const store = await session.store();
  const abandoned = await store.removeAbandoned();
  const unused = await store.removeUnused(options.days * 24 * 60 * 60 * 1000);
  session.print(
    { abandoned, unused },
    `removed ${abandoned} folders of processes that are no more, and ${unused} roots, unpacked packages, compiler caches and development builds unused for ${options.days} days`,
  );
}

async function verify(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const { good, damaged } = await (await session.store()).verifyBlobs();
  session.print({ good, damaged }, `${good} blobs are good, ${damaged} were damaged`);
  if (damaged > 0) process.exitCode = 1;
}

interface PushOptions extends GlobalOptions {
  readonly packages?: readonly string[];
}

async function push(options: PushOptions): Promise<void> {
  const session = new Session(options, { pushesKnown: true });
  const settings = await session.remoteSettings();
  if (settings?.mode !== "read-write") {
    throw new CleanroomError("remote-settings", "no remote store is set up to be written", {
      exitCode: 2,
      hint: "name one in specs/remote.yaml or CLEANROOM_REMOTE, with CLEANROOM_REMOTE_MODE=read-write",
    });
  }
  const names = await session.packageNames(options.packages ?? []);
  const results = await buildPackages(await session.runnerContext(), names);
  session.print(results, "");
}

async function remote(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const settings = await session.remoteSettings();
  const { folder } = await session.store();
  const { publicKey } = await ownResultKey(folder);
  if (settings === undefined) {
    session.print({ publicKey }, `no remote store is used\n  this store's key: ${publicKey}`);
    return;
  }
  const store = await openRemoteStore(settings, folder, session.logger);
  const problem = await store.probe();
  const { mode, trust } = settings;
  session.print(
    { url: store.name, mode, trust, publicKey, problem },
    [
      `${store.name}: ${problem ?? "it answers"}`,
      `  mode: ${mode}`,
      ...trust.map((key) => `  trusted: ${key}`),
      `  this store's key: ${publicKey}`,
    ].join("\n"),
  );
  if (problem !== undefined) process.exitCode = 1;
}

export const cacheCommand: CommandModule<object, GlobalOptions> = {
  command: "cache",
  describe: "The store",
  builder: (parser) =>
    parser
      .command<GlobalOptions>("show", "What the store holds", (inner) => inner as never, show)
      .command<GcOptions>(
        "gc",
        "Remove what killed runs left, and roots, unpacked packages and compiler caches that nothing used lately",
        (inner) =>
          inner.option("days", {
            type: "number",
            default: 14,
            describe: "What was unused for so many days; 0 removes all",
          }) as never,
        gc,
      )
      .command<GlobalOptions>(
        "verify",
        "Read every blob and set damaged ones aside",
        (inner) => inner as never,
        verify,
      )
      .command<GlobalOptions>(
        "remote",
        "The store that machines share: where it is, whether it answers, whose results are believed",
        (inner) => inner as never,
        remote,
      )
      .command<PushOptions>(
        "push [packages..]",
        "Write what packages were built to into the remote store; build what is not there yet",
        (inner) => inner.positional("packages", { type: "string", array: true }) as never,
        push,
      )
      .demandCommand(1, "cache what? show, gc, verify, remote or push") as never,
  handler: () => undefined,
};

import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type Plugin, rolldown } from "rolldown";

/*
 * Puts the whole program, libraries included, into a few files: hundreds of modules, each found,
 * read, stripped of its types and linked, are most of what a command with nothing to do costs.
 * The launcher runs this when a source is newer than `dist/program/current/made-from`. The program
 * is the same without it: `node packages/cli/src/main.ts`.
 */

const workspace = path.resolve(import.meta.dirname, "..");
const bundles = path.join(workspace, "dist/program");

/** For so long after it was current a program may still run, and load a part that it needs late. */
const keptMs = 60 * 60 * 1000;

/** Files change until this long before "now" as a file's time tells it, which moves by jiffies. */
const tickMs = 100;

/** Sources stay where they are: what a module finds beside itself it must find from the bundle, too. */
function modulesKnowTheirPlace(folder: string): Plugin {
  return {
    name: "modules-know-their-place",
    transform(code, file) {
      if (!file.endsWith(".ts") || !code.includes("import.meta.")) return undefined;
      const from = path.relative(folder, file);
      return (
        code
          // The bundler knows what a plain `require` asks for, and brings it along.
          .replace("const require = createRequire(import.meta.url);", "")
          .replaceAll(/new URL\("(.+)\.ts", import\.meta\.url\)/g, (_, name: string) => {
            const id = path.resolve(path.dirname(file), `${name}.ts`);
            const part = this.emitFile({ type: "chunk", id });
            return `new URL(import.meta.ROLLUP_FILE_URL_${part})`;
          })
          .replaceAll("import.meta.url)", `new URL("${from}", import.meta.url))`)
          .replaceAll("import.meta.dirname", `(import.meta.dirname + "/${path.dirname(from)}")`)
      );
    },
  };
}

/**
 * Bundles programs, each with all that it imports.
 *
 * @param programs the file of each, by the name under which it will be in `folder`, as NAME.js
 */
export async function bundle(
  programs: Readonly<Record<string, string>>,
  folder: string,
): Promise<void> {
  const bundled = await rolldown({
    cwd: workspace,
    input: { ...programs },
    platform: "node",
    plugins: [modulesKnowTheirPlace(folder)],
    logLevel: "warn",
  });
  await bundled.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  });
  await bundled.close();
  // Node would find out by failing to read them as something else.
  await writeFile(path.join(folder, "package.json"), '{ "type": "module" }\n');
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(bundles)) {
    if (name === "current") continue;
    const folder = path.join(bundles, name);
    // One that another run is removing, too, is as old as can be.
    const { mtimeMs } = await lstat(folder).catch(() => ({ mtimeMs: 0 }));
    if (Date.now() - mtimeMs > keptMs) await rm(folder, { recursive: true, force: true });
  }
}

async function makeCurrent(folder: string): Promise<void> {
  const start = new Date(Date.now() - tickMs);
  // Whoever made it: another user's runs need not make it again.
  await chmod(folder, 0o755);
  const programs = {
    main: path.join(workspace, "packages/cli/src/main.ts"),
    plugin: path.join(workspace, "tools/nx-rpm/src/plugin.ts"),
  };
  await bundle(programs, folder);
  const madeFrom = path.join(folder, "made-from");
  await writeFile(madeFrom, "");
  await utimes(madeFrom, start, start);
  const current = path.join(bundles, "current");
  // From now on it is old; it may have been made long ago. On the first run there is none.
  await utimes(current, new Date(), new Date()).catch(() => undefined);
  // Others may do the same at this moment: the last one's is current, and either is whole.
  await symlink(path.basename(folder), `${folder}.link`);
  await rename(`${folder}.link`, current);
}

async function main(): Promise<void> {
  let folder: string | undefined;
  try {
    await mkdir(bundles, { recursive: true });
    folder = await mkdtemp(path.join(bundles, "made-"));
    await makeCurrent(folder);
  } catch (error) {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    const reason = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
    process.stderr.write(
      `Cleanroom's sources run unbundled, which takes longer: ${reason.trim()}\n`,
    );
    process.exitCode = 1;
    return;
  }
  // What is another user's stays.
  await removeOld().catch(() => undefined);
}

if (import.meta.main) await main();

import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import {
  type ActionResult,
  CleanroomError,
  CommandError,
  runInSandbox,
  type Sha256,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import type { ImageContext } from "../context.ts";
import type { StateItem } from "./requested-state.ts";

/** Raised when the way locales are compiled changes. */
const localeEpoch = 1;

const localeFolder = "usr/lib/locale";

/** A file of a locale, as it will be in the image. */
type LocaleFile = Pick<StateItem, "path" | "content">;

/**
 * Locales, compiled by the C library's own localedef from its sources, which the base names apart: the
 * image holds what it chose and neither the sources of all others nor the compiler. Much of one
 * locale is the same in many; what an earlier one has already is a link to it.
 *
 * @param names such as `de_DE.UTF-8`
 * @throws {CleanroomError} `locales-unavailable`, `locale-unknown`
 */
export async function compiledLocales(
  context: ImageContext,
  names: readonly string[],
): Promise<readonly LocaleFile[]> {
  if (names.length === 0) return [];
  const compiler = await context.locales?.();
  if (compiler === undefined) throw unavailable();
  const placed = new Map<Sha256, string>();
  const files: LocaleFile[] = [];
  for (const name of [...new Set(names)].toSorted()) {
    for (const output of await compiledLocale(context.store, compiler, name)) {
      const place = path.join(localeFolder, folderName(name), output.name);
      const before = placed.get(output.sha256);
      placed.set(output.sha256, before ?? place);
      const content =
        before === undefined
          ? { bytes: await bytesOf(context.store, output.sha256) }
          : { link: path.relative(path.dirname(place), before) };
      files.push({ path: place, content });
    }
  }
  return files;
}

function unavailable(): CleanroomError {
  return new CleanroomError("locales-unavailable", "the base has nothing that compiles locales", {
    exitCode: 2,
    hint: "name it in base.yaml: locales: [base-files, gzip, libc-bin, locales], and lock the base again",
  });
}

/** Where the C library looks: it takes the character set's name without case and punctuation. */
function folderName(name: string): string {
  const { language, charset, modifier } = partsOf(name);
  return `${language}.${charset.toLowerCase().replaceAll(/[^a-z0-9]/g, "")}${modifier}`;
}

function partsOf(name: string): { language: string; charset: string; modifier: string } {
  const [, language = "", charset = "", modifier = ""] =
    /^(\w+)\.([\w-]+)(@\w+)?$/.exec(name) ?? [];
  return { language, charset, modifier };
}

/** The files of a compiled locale, in the store; made once. */
async function compiledLocale(
  store: Store,
  compiler: Tools,
  name: string,
): Promise<ActionResult["outputs"]> {
  const key = sha256Json(["locale", localeEpoch, compiler.digest, name]);
  const known = await store.action(key);
  if (known !== undefined) return known.outputs;
  return store.withTemporaryFolder("locale", async (folder) => {
    await mkdir(path.join(folder, "locale"));
    await compile(compiler, folder, name);
    const entries = await readdir(path.join(folder, "locale"), {
      recursive: true,
      withFileTypes: true,
    });
    // Where localedef cannot be run at all, that has the exit code of a warning.
    if (entries.length === 0) throw unavailable();
    const outputs = [];
    for (const entry of entries.filter((one) => one.isFile())) {
      const file = path.join(entry.parentPath, entry.name);
      const blob = await store.putFile(file);
      outputs.push({ name: path.relative(path.join(folder, "locale"), file), ...blob });
    }
    outputs.sort((a, b) => (a.name < b.name ? -1 : 1));
    await store.putAction(key, { outputs, facts: {} });
    return outputs;
  });
}

/** localedef(1): with a warning there is a locale, with an error none. */
const exitCodes = { warnings: 1, errors: 4 } as const;

async function compile(compiler: Tools, folder: string, name: string): Promise<void> {
  const { language, charset, modifier } = partsOf(name);
  const sandbox = {
    root: compiler.root,
    mounts: [{ source: folder, target: "/job", writable: true }],
  };
  // Identical files would come as hard links, which say the same of this one locale alone.
  const compiling = ["localedef", "--no-archive", "--no-hard-links", "--quiet"];
  const source = ["--inputfile", `${language}${modifier}`, "--charmap", charset];
  try {
    await runInSandbox(sandbox, [...compiling, ...source, "/job/locale"], {
      step: `compile the locale ${name}`,
      accept: [0, exitCodes.warnings],
    });
  } catch (error) {
    if (!(error instanceof CommandError && error.commandExitCode === exitCodes.errors)) throw error;
    throw new CleanroomError("locale-unknown", `the locale ${name} cannot be compiled`, {
      cause: error,
      exitCode: 2,
      hint: await hintFor(compiler, language, charset),
    });
  }
}

/** What there is of a language, or of all languages where there is none of it. */
async function hintFor(compiler: Tools, language: string, wanted: string): Promise<string> {
  const sources = path.join(compiler.root, "usr/share/i18n");
  const names = await readdir(path.join(sources, "locales"));
  const charsets = await readdir(path.join(sources, "charmaps"));
  const charset = charsets.includes(`${wanted}.gz`) ? wanted : "UTF-8";
  const known = names.filter((one) => /^[a-z]{2,3}_[A-Z]{2}(@\w+)?$/.test(one)).toSorted();
  const near = known.filter((one) => one.startsWith(language.slice(0, 2)));
  const shown = (near.length === 0 ? known : near).map((one) => {
    const [plain = "", modifier] = one.split("@");
    return `${plain}.${charset}${modifier === undefined ? "" : `@${modifier}`}`;
  });
  return `one of: ${shown.join(", ")}`;
}

async function bytesOf(store: Store, digest: Sha256): Promise<Uint8Array> {
  const blob = await store.blob(digest);
  if (blob === undefined) {
    throw new CleanroomError("blob-missing", "the store lacks a compiled locale", {
      hint: "run the command again: it is compiled anew",
    });
  }
  return readFile(blob);
}

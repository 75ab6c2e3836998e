import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Json, Sha256 } from "./digest.ts";
import { uniqueName } from "./files.ts";

/** So many values are kept; then all are forgotten, for nobody can tell which are still asked for. */
const valuesMax = 20_000;

/**
 * What a program has worked out before and would work out again at each start: values of pure
 * functions, by the digest of what they are made from. They hold for one program alone, since
 * another one may work out something else.
 *
 * Nothing depends on it: what cannot be read, or written, counts as never worked out.
 */
export class ProgramMemory {
  readonly #folder: string | undefined;
  #isBounded = false;

  /** @param folder where the values are kept; nothing is kept without one */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** The value of these inputs; undefined when it is not known. */
  recall(inputs: Sha256): unknown {
    if (this.#folder === undefined) return undefined;
    try {
      return JSON.parse(readFileSync(path.join(this.#folder, inputs), "utf8"));
    } catch {
      return undefined;
    }
  }

  remember(inputs: Sha256, value: Json): void {
    if (this.#folder === undefined) return;
    try {
      this.#makeRoom(this.#folder);
      // Half a value that a killed run left is no JSON, and has no name that anybody asks for.
      const temporary = path.join(this.#folder, uniqueName("value"));
      writeFileSync(temporary, JSON.stringify(value));
      renameSync(temporary, path.join(this.#folder, inputs));
    } catch {
      // A folder that nobody may write to, or a full disk: it is worked out again.
    }
  }

  #makeRoom(folder: string): void {
    if (this.#isBounded) return;
    this.#isBounded = true;
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length <= valuesMax) return;
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  }
}

/** The folder of the bundle that runs; undefined where the sources run, which may change. */
const bundleFolder = import.meta.filename.endsWith(".js")
  ? path.dirname(import.meta.filename)
  : undefined;

/** The memory of this very program. */
export const programMemory = new ProgramMemory(
  bundleFolder === undefined ? undefined : path.join(bundleFolder, "memory"),
);

import { LuaError, LuaMachine } from "../lua/lua-machine.ts";
import { rpmLuaHost } from "../lua/rpm-host.ts";
import { parseArguments } from "./arguments.ts";
import type { Expansion } from "./expansion.ts";

/** The Lua machine of one evaluation, made when the first script runs. */
export class LuaMacros {
  readonly #expander: Expansion;
  /** What rpm's lists for scripts hold; kept here until there is a machine. */
  readonly #lists: (readonly [list: string, value: string | number])[] = [];
  #machine: LuaMachine | undefined;

  constructor(expander: Expansion) {
    this.#expander = expander;
  }

  /** Adds to `sources`, `patches`, `source_nums` or `patch_nums`. */
  append(list: string, value: string | number): void {
    this.#lists.push([list, value]);
    this.#machine?.append(list, value);
  }

  /** Empties those lists, for a spec that is read a second time. */
  clearLists(): void {
    this.#lists.length = 0;
    for (const list of ["sources", "patches", "source_nums", "patch_nums"]) {
      this.#machine?.clear(list);
    }
  }

  /** The result of `%{lua:...}`. */
  run(script: string): string {
    const current = this.#expander.current;
    const { options, rest } =
      current === undefined
        ? { options: [], rest: [] }
        : parseArguments(current.macro.options ?? "", current.words);
    const values = new Map(options.map(({ letter, value }) => [letter, value ?? ""]));
    return this.#guard(() =>
      this.#ready().run(script, current?.macro.name ?? "<lua>", values, rest),
    );
  }

  /** The result of `lua:name(...)` in an expression. */
  call(name: string, values: readonly (string | number)[]): string {
    return this.#guard(() => this.#ready().callFunction(name, values));
  }

  #ready(): LuaMachine {
    if (this.#machine !== undefined) return this.#machine;
    const machine = new LuaMachine(rpmLuaHost(this.#expander, () => this.#ready()));
    this.#machine = machine;
    for (const [list, value] of this.#lists) machine.append(list, value);
    return machine;
  }

  #guard(run: () => string): string {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      throw this.#expander.error("lua-failed", error.message);
    }
  }
}

import { type MacroDefinition, type MacroSource, MacroTable, macroDefinition } from "./table.ts";

/**
 * The macros of one evaluation: definitions and removals over an immutable table. Lives as long as
 * the evaluation does.
 */
export class MacroScope {
  readonly #base: MacroTable;
  /** Null marks a macro of the base table that was undefined. */
  readonly #changes = new Map<string, MacroDefinition | null>();
  /** Names that may have definitions that end with a parametric macro. */
  readonly #scoped = new Set<string>();

  constructor(base: MacroTable) {
    this.#base = base;
  }

  get(name: string): MacroDefinition | undefined {
    const changed = this.#changes.get(name);
    return changed === undefined ? this.#base.get(name) : (changed ?? undefined);
  }

  push(source: MacroSource): void {
    const definition = macroDefinition(source, this.get(source.name));
    this.#changes.set(source.name, definition);
    if (definition.level > 0) this.#scoped.add(source.name);
  }

  /** Removes the newest definition of a name, which brings an older one back. */
  pop(name: string): void {
    const definition = this.get(name);
    if (definition === undefined) return;
    this.#changes.set(name, definition.previous ?? null);
  }

  /**
   * Ends a parametric macro: removes the definitions of this level or deeper. rpm before 4.20
   * removes one of each name only, so that a name defined twice in a macro's body keeps the first.
   */
  endLevel(level: number, removesAll: boolean): void {
    for (const name of this.#scoped) {
      let definition = this.get(name);
      while (definition !== undefined && definition.level >= level) {
        this.pop(name);
        definition = this.get(name);
        if (!removesAll) break;
      }
      if (!hasScoped(definition)) this.#scoped.delete(name);
    }
  }

  /** The state as a table of its own. */
  toTable(): MacroTable {
    return new MacroTable(new Map(this.#changes), this.#base);
  }
}

function hasScoped(definition: MacroDefinition | undefined): boolean {
  for (let one = definition; one !== undefined; one = one.previous) if (one.level > 0) return true;
  return false;
}

import type { Place } from "@cleanroom/core";

/**
 * Where a definition comes from; rpm's own numbers (rpm's `include/rpm/rpmmacro.h`). A definition
 * at a positive level belongs to the parametric macro that is being expanded at that depth, and
 * ends with it.
 */
export const macroLevel = {
  macroFiles: -13,
  commandLine: -7,
  spec: -3,
  global: 0,
} as const;

/** One definition of a macro. */
export interface MacroDefinition {
  readonly name: string;
  /** getopt(3) letters of a parametric macro, `-` for no option parsing; undefined for a plain one. */
  readonly options: string | undefined;
  readonly body: string;
  readonly level: number;
  /** The body is the value as it is: nothing in it is expanded. */
  readonly isLiteral: boolean;
  /** An argument of the parametric macro being expanded: `1`, `-f`, `*`. */
  readonly isAutomatic: boolean;
  /** Where it was defined, when that is known. */
  readonly place: Place | undefined;
  /** What `%undefine` brings back. */
  readonly previous: MacroDefinition | undefined;
}

/** What a definition needs to say; the rest has defaults. */
export interface MacroSource {
  readonly name: string;
  readonly body: string;
  readonly options?: string | undefined;
  readonly level?: number;
  readonly isLiteral?: boolean;
  readonly isAutomatic?: boolean;
  readonly place?: Place | undefined;
}

export function macroDefinition(
  source: MacroSource,
  previous: MacroDefinition | undefined,
): MacroDefinition {
  return {
    name: source.name,
    options: source.options,
    body: source.body,
    level: source.level ?? macroLevel.macroFiles,
    isLiteral: source.isLiteral ?? false,
    isAutomatic: source.isAutomatic ?? false,
    place: source.place,
    previous,
  };
}

/**
 * A set of macros as an immutable value: what rpm reads from its macro files before it looks at a
 * spec. Evaluating a spec never changes the table it was given.
 */
export class MacroTable {
  readonly #definitions: ReadonlyMap<string, MacroDefinition | null>;
  readonly #base: MacroTable | undefined;

  /**
   * @param definitions null marks a macro of the base that is not defined here
   * @param base what these definitions are on top of; it is not copied, so that each evaluation can
   *   have a table of its own
   */
  constructor(
    definitions: ReadonlyMap<string, MacroDefinition | null> = new Map(),
    base?: MacroTable,
  ) {
    this.#definitions = definitions;
    this.#base = base;
  }

  get(name: string): MacroDefinition | undefined {
    const own = this.#definitions.get(name);
    return own === undefined ? this.#base?.get(name) : (own ?? undefined);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** All names, in no particular order. */
  names(): Set<string> {
    const names = new Set(this.#base?.names());
    for (const [name, definition] of this.#definitions) {
      if (definition === null) names.delete(name);
      else names.add(name);
    }
    return names;
  }

  get size(): number {
    return this.names().size;
  }

  /** A table with these definitions on top; of two for one name the later one counts. */
  with(sources: Iterable<MacroSource>): MacroTable {
    const definitions = new Map(this.#definitions);
    for (const source of sources) {
      const own = definitions.get(source.name);
      const previous = own === undefined ? this.#base?.get(source.name) : (own ?? undefined);
      definitions.set(source.name, macroDefinition(source, previous));
    }
    return new MacroTable(definitions, this.#base);
  }
}

/**
 * A table of plain macros from names and bodies, on top of another: `{ _libdir: "/usr/lib64" }`.
 * A name may carry options as in a macro file: `{ "hello(n:)": "..." }`.
 */
export function macrosFromRecord(
  record: Readonly<Record<string, string>>,
  base: MacroTable = new MacroTable(),
): MacroTable {
  return base.with(
    Object.entries(record).map(([key, body]) => {
      const parametric = /^(\w+)\(([^)]*)\)$/.exec(key);
      return parametric === null
        ? { name: key, body }
        : { name: parametric[1] ?? key, options: parametric[2] ?? "", body };
    }),
  );
}

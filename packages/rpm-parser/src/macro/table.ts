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
  readonly #definitions: ReadonlyMap<string, MacroDefinition>;

  constructor(definitions: ReadonlyMap<string, MacroDefinition> = new Map()) {
    this.#definitions = definitions;
  }

  get(name: string): MacroDefinition | undefined {
    return this.#definitions.get(name);
  }

  has(name: string): boolean {
    return this.#definitions.has(name);
  }

  /** All names, in no particular order. */
  names(): Iterable<string> {
    return this.#definitions.keys();
  }

  get size(): number {
    return this.#definitions.size;
  }

  /** A table with these definitions on top; of two for one name the later one counts. */
  with(sources: Iterable<MacroSource>): MacroTable {
    const definitions = new Map(this.#definitions);
    for (const source of sources) {
      definitions.set(source.name, macroDefinition(source, definitions.get(source.name)));
    }
    return new MacroTable(definitions);
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

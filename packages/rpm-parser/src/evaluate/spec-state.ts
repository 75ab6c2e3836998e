import type { Place } from "@cleanroom/core";
import type { MacroExpander } from "../macro/expander.ts";
import type { FileReader, Severity } from "../macro/host.ts";
import { macroLevel } from "../macro/table.ts";
import type { ChangelogEntry, SpecSource } from "../model/spec-package.ts";
import { sectionName } from "../syntax/line-content.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { DependencyList, DraftPackage } from "./draft-package.ts";
import type { LineReader, LineStyle } from "./line-reader.ts";

/** Sections whose lines go to rpmbuild's scripts. */
export const buildScriptNames = [
  "prep",
  "generate_buildrequires",
  "conf",
  "build",
  "install",
  "check",
  "clean",
] as const;

/** A spec while it is being read: one value for one pass over it. */
export class SpecState {
  readonly lines: LineReader;
  readonly expander: MacroExpander;
  readonly diagnostics: Diagnostics;
  readonly reader: FileReader | undefined;
  /** Second pass over a spec with BuildArch: the tag then means nothing more. */
  readonly isRecursing: boolean;

  /** The main package first. */
  readonly packages: DraftPackage[] = [];
  readonly #subpackages = new Map<string, DraftPackage>();
  readonly buildRequires = new DependencyList();
  readonly buildConflicts = new DependencyList();
  readonly sources: SpecSource[] = [];
  readonly patches: SpecSource[] = [];
  readonly restrictions = {
    excludearch: [] as string[],
    exclusivearch: [] as string[],
    excludeos: [] as string[],
    exclusiveos: [] as string[],
  };
  readonly buildScripts = new Map<string, string>();
  readonly changelog: ChangelogEntry[] = [];
  /** Options of a declarative build system, by section. */
  readonly buildOptions = new Map<string, string[]>();
  /** `%build -a` and `-p`: what goes after and before a section's script. */
  readonly scriptParts: { section: string; isAppended: boolean; text: string }[] = [];
  buildArchs: readonly string[] | undefined;
  sourceLicense: string | undefined;

  constructor(
    lines: LineReader,
    expander: MacroExpander,
    diagnostics: Diagnostics,
    reader: FileReader | undefined,
    isRecursing: boolean,
  ) {
    this.lines = lines;
    this.expander = expander;
    this.diagnostics = diagnostics;
    this.reader = reader;
    this.isRecursing = isRecursing;
  }

  get main(): DraftPackage {
    const [main] = this.packages;
    if (main !== undefined) return main;
    return this.addPackage(new DraftPackage("", this.lines.place, true));
  }

  addPackage(draft: DraftPackage): DraftPackage {
    this.packages.push(draft);
    if (!draft.isMain && !this.#subpackages.has(draft.name)) {
      this.#subpackages.set(draft.name, draft);
    }
    return draft;
  }

  /** The package of this full name, if the spec has it by now. */
  packageNamed(fullName: string): DraftPackage | undefined {
    const [main] = this.packages;
    return main?.name === fullName ? main : this.#subpackages.get(fullName);
  }

  report(severity: Severity, code: string, message: string, place?: Place): void {
    this.diagnostics.add(severity, code, message, place ?? this.lines.place, this.lines.chain);
  }

  /** Defines a macro the way the spec parser does: it stays until the spec ends. */
  defineMacro(name: string, body: string, isLiteral = false): void {
    this.expander.scope.push({
      name,
      body,
      level: macroLevel.spec,
      isLiteral,
      place: this.lines.place,
    });
  }

  expand(text: string): string {
    return this.lines.expandValue(text);
  }

  /** `%{macro}` as a number, as rpm reads switches: 0 when undefined or not a number. */
  expandNumber(macro: string): number {
    const value = this.expand(`%{?${macro}}`);
    if (/^[yY]/.test(value)) return 1;
    return /^[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(value) ? Number(value) : 0;
  }

  /** The section a line begins, by the rpm that is followed. */
  sectionOf(line: string): string | undefined {
    const name = sectionName(line);
    const isNew = name === "preuntrans" || name === "postuntrans";
    return isNew && this.expander.host.dialect === "4.18" ? undefined : name;
  }

  /**
   * Reads the lines of a section up to the next header.
   *
   * @returns the header line, or undefined at the end of the spec.
   */
  readSection(style: LineStyle, use: (line: string) => void): string | undefined {
    for (;;) {
      const line = this.lines.next(style);
      if (line === undefined || this.sectionOf(line) !== undefined) return line;
      use(line);
    }
  }

  /**
   * The package that a header names: `-n NAME`, `SUFFIX`, or the main one. Reports and returns
   * undefined when there is no such package.
   */
  findPackage(name: string | undefined, isFullName: boolean): DraftPackage | undefined {
    if (name === undefined) return this.main;
    const fullName = isFullName ? name : `${this.main.name}-${name}`;
    const found = this.packageNamed(fullName);
    if (found === undefined) {
      this.report("error", "package-unknown", `package ${fullName} does not exist`);
    }
    return found;
  }
}

import { MacroExpander } from "../macro/expander.ts";
import {
  type FileReader,
  kindOf,
  type MacroHost,
  type RpmDialect,
  type ShellResult,
  type SpecDiagnostic,
} from "../macro/host.ts";
import { MacroScope } from "../macro/scope.ts";
import { emulateShell } from "../shell/emulate-shell.ts";
import type { ShellFacts } from "../shell/shell-surroundings.ts";
import { type MacroSource, macroLevel, type MacroTable } from "../macro/table.ts";
import { BuildConditionLog } from "./build-condition.ts";
import { compatibleArchs } from "./architecture.ts";
import type { SourcePackage } from "../model/spec-package.ts";
import type { SpecTree } from "../syntax/spec-tree.ts";
import { Diagnostics } from "./diagnostics.ts";
import { finishSpec } from "./finish-spec.ts";
import { LineReader } from "./line-reader.ts";
import { readSections } from "./spec-sections.ts";
import { SpecState } from "./spec-state.ts";

/** What to do with `%(...)`. */
export type ShellPolicy =
  /** Never run: a diagnostic, and nothing in its place. */
  | { readonly kind: "deny" }
  /** Imitate the harmless idioms; the rest is not known. Nothing is run. */
  | ({ readonly kind: "emulate" } & ShellFacts)
  /** Ask this function, which runs the command in a sandbox or imitates it. */
  | { readonly kind: "run"; readonly run: (command: string) => ShellResult };

/** All that decides what a spec comes to; nothing else does. */
export interface EvaluationOptions {
  /** The macro files' contents. */
  readonly macros: MacroTable;
  /** As `--define "NAME BODY"`, in order. */
  readonly defines?: Readonly<Record<string, string>>;
  /** As `--undefine NAME`. */
  readonly undefines?: readonly string[];
  /** As `--with NAME`. */
  readonly with?: readonly string[];
  /** As `--without NAME`. */
  readonly without?: readonly string[];
  /** The architecture to build for; by default what the macros' `%_target_cpu` says. */
  readonly target?: string;
  /** Reads `%include`d and `%{load:}`ed files; without it there are none. */
  readonly reader?: FileReader;
  /** By default `deny`. */
  readonly shell?: ShellPolicy;
  /** Which rpm to follow where releases differ; by default 4.20. */
  readonly dialect?: RpmDialect;
  /** What `%{getenv:}` sees; by default nothing. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What `%{getncpus}` says; by default 1. */
  readonly processors?: number;
}

/** What a spec comes to. */
export interface Evaluation {
  /** Whether rpm would accept the spec: no diagnostic is an error. */
  readonly accepted: boolean;
  readonly package: SourcePackage;
  readonly diagnostics: readonly SpecDiagnostic[];
  /** All macros as they are at the end. */
  readonly macros: MacroTable;
  /** The spec with all macros expanded and conditions resolved, as `rpmspec -P` prints it. */
  readonly expandedText: string;
}

/**
 * Evaluates a spec: what `rpmspec` does, without running anything and without state outside the
 * call. Errors do not stop it; what can be known of the rest of the spec is in the result.
 */
export function evaluateSpec(tree: SpecTree, options: EvaluationOptions): Evaluation {
  const diagnostics = new Diagnostics();
  const scope = new MacroScope(options.macros);
  for (const macro of commandLineMacros(options)) scope.push(macro);
  for (const name of options.undefines ?? []) scope.pop(name);
  const conditions = new BuildConditionLog(scope);
  let lines: LineReader | undefined;
  const host: MacroHost = {
    dialect: options.dialect ?? "4.20",
    reader: options.reader,
    environment: options.environment ?? {},
    processors: options.processors ?? 1,
    shell: (command) => shell(options, command),
    report: (severity, code, message) => {
      const chain = [...(lines?.chain ?? []), ...expander.chain];
      diagnostics.add(severity, code, message, lines?.place ?? {}, chain);
    },
    called: (name, words) => conditions.called(name, words, lines?.place ?? {}),
  };
  const expander = new MacroExpander(scope, host);
  const pass = (isRecursing: boolean): SpecState => {
    expander.lua.clearLists();
    lines = new LineReader(tree, expander, diagnostics, options.reader);
    const state = new SpecState(lines, expander, diagnostics, options.reader, isRecursing);
    if (host.dialect !== "4.18") hideBuildFolder(state);
    state.defineMacro("_docdir", "%{_defaultdocdir}");
    state.defineMacro("_licensedir", "%{_defaultlicensedir}");
    return state;
  };
  let state = pass(false);
  if (readSections(state) === "build-arch") {
    state.lines.close();
    const archs = state.buildArchs ?? [];
    diagnostics.startAgain();
    const arch = archs.find((one) => compatibleArchs(expander.expand("%{_build_arch}")).has(one));
    if (arch === undefined) {
      const message = "No compatible architectures found for build";
      state.report("error", "arch-incompatible", message);
    }
    scope.push({ name: "_target_cpu", body: arch ?? archs[0] ?? "noarch", level: macroLevel.spec });
    state = pass(true);
    readSections(state);
  }
  for (const problem of tree.problems) {
    if (problem.code !== "line-unterminated" && problem.code !== "spec-too-long") continue;
    const place = tree.source.place(problem.span.start);
    diagnostics.add("error", problem.code, problem.message, place);
  }
  const finished = finishSpec(state, conditions);
  return new FinishedEvaluation(finished, diagnostics, scope, state.lines.expanded);
}

/**
 * Makes what few ask for when it is asked for. A class, for V8 keeps the accessors of an object literal,
 * and through them the whole evaluation, until it collects the old generation.
 */
class FinishedEvaluation implements Evaluation {
  readonly accepted: boolean;
  readonly package: SourcePackage;
  readonly diagnostics: readonly SpecDiagnostic[];
  readonly #scope: MacroScope;
  readonly #expanded: readonly string[];

  constructor(
    finished: SourcePackage,
    diagnostics: Diagnostics,
    scope: MacroScope,
    expanded: readonly string[],
  ) {
    this.accepted = !diagnostics.hasErrors;
    this.package = finished;
    this.diagnostics = diagnostics.all;
    this.#scope = scope;
    this.#expanded = expanded;
  }

  get macros(): MacroTable {
    return this.#scope.toTable();
  }

  get expandedText(): string {
    return this.#expanded.join("");
  }
}

/**
 * rpm 4.20 keeps the top build folder under another name, and has no `%_builddir` until the package
 * has a name and a version.
 */
function hideBuildFolder({ expander }: SpecState): void {
  if (expander.scope.get("_top_builddir") !== undefined) return;
  const body = expander.expand("%{_builddir}");
  const level = macroLevel.global;
  expander.scope.push({ name: "_top_builddir", body, level, isLiteral: true });
  while (expander.scope.get("_builddir") !== undefined) expander.scope.pop("_builddir");
}

function commandLineMacros(options: EvaluationOptions): MacroSource[] {
  const level = macroLevel.commandLine;
  const macros: MacroSource[] = [];
  for (const [name, body] of Object.entries(options.defines ?? {})) {
    const parametric = /^(\w+)\(([^)]*)\)$/.exec(name);
    macros.push(
      parametric === null
        ? { name, body, level }
        : { name: parametric[1] ?? name, options: parametric[2] ?? "", body, level },
    );
  }
  for (const name of options.with ?? []) {
    macros.push({ name: `_with_${name}`, body: `--with-${name}`, level });
  }
  for (const name of options.without ?? []) {
    macros.push({ name: `_without_${name}`, body: `--without-${name}`, level });
  }
  if (options.target !== undefined) macros.push(...targetMacros(options.target, level));
  return macros;
}

function targetMacros(target: string, level: number): MacroSource[] {
  return [
    { name: "_target", body: `${target}-linux`, level },
    { name: "_target_cpu", body: target, level },
    { name: "_target_os", body: "linux", level },
  ];
}

function shell(options: EvaluationOptions, command: string): ShellResult {
  if (options.shell?.kind === "run") return options.shell.run(command);
  if (options.shell?.kind === "emulate") {
    return emulateShell(command, {
      read: (path) => {
        const bytes = options.reader?.read(path);
        return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
      },
      kindOf: (path) => kindOf(options.reader, path),
      environment: options.environment ?? {},
      processors: options.processors ?? 1,
      answers: options.shell.answers ?? {},
      shell: options.shell.shell,
    });
  }
  return { unknown: `shell commands are not run: ${command.slice(0, 200)}` };
}

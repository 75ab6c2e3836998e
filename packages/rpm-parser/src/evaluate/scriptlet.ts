import type { SpecDependency } from "../model/spec-package.ts";
import { readDependencies } from "./dependency-tag.ts";
import { DependencyList } from "./draft-package.ts";
import { parseHeaderOptions, splitQuotedWords } from "./header-options.ts";
import type { SpecState } from "./spec-state.ts";

const scriptletKinds: Readonly<Record<string, { kind: string; qualifier: string }>> = {
  pre: { kind: "pre", qualifier: "pre" },
  post: { kind: "post", qualifier: "post" },
  preun: { kind: "preun", qualifier: "preun" },
  postun: { kind: "postun", qualifier: "postun" },
  pretrans: { kind: "pretrans", qualifier: "pretrans" },
  posttrans: { kind: "posttrans", qualifier: "posttrans" },
  preuntrans: { kind: "preuntrans", qualifier: "preuntrans" },
  postuntrans: { kind: "postuntrans", qualifier: "postuntrans" },
  verifyscript: { kind: "verify", qualifier: "verify" },
};

/** Names that mean the same. */
const triggerNames: Readonly<Record<string, string>> = {
  trigger: "triggerin",
  filetrigger: "filetriggerin",
  transfiletrigger: "transfiletriggerin",
};

const defaultPriority = 1_000_000;

/** Whether a section of this name holds a scriptlet or a trigger. */
export function isScriptlet(section: string): boolean {
  return section in scriptletKinds || section.includes("trigger");
}

/** Reads a scriptlet or trigger section (rpm's `build/parseScript.c`). */
export function readScriptlet(
  state: SpecState,
  section: string,
  header: string,
): string | undefined {
  const place = state.lines.place;
  const isTrigger = section.includes("trigger");
  const separator = isTrigger ? / --[ \t]/.exec(header) : null;
  if (isTrigger && separator === null) {
    state.report("error", "trigger-condition", `triggers must have --: ${header.trim()}`);
  }
  const condition = separator === null ? "" : header.slice(separator.index + 3).trim();
  const head = separator === null ? header : header.slice(0, separator.index);
  const { options, words, error } = parseHeaderOptions(head, "pnfP", "eq");
  if (error !== undefined) state.report("error", "section-options", `${error}: ${header.trim()}`);
  const program = options.get("p")?.at(-1) ?? "/bin/sh";
  const interpreter = splitQuotedWords(program) ?? [program];
  const name = options.get("n")?.at(-1) ?? words[1];
  if (words.length > (options.has("n") ? 1 : 2)) {
    state.report("error", "section-options", `Too many names: ${header.trim()}`);
  }
  const draft = state.findPackage(name, options.has("n"));
  checkInterpreter(state, program);
  const lines: string[] = [];
  const next = state.readSection({}, (line) => lines.push(line));
  if (draft === undefined) return next;
  const body = lines.join("").replace(/[ \t\n\v\f\r]+$/, "");
  const kind = scriptletKinds[section];
  const [command = "/bin/sh"] = interpreter;
  if (command === "<lua>") {
    addRpmlib(draft.dependencies.requires, "BuiltinLuaScripts", "4.2.2-1");
  } else if (!command.startsWith("<")) {
    const qualifiers = kind === undefined ? ["interp"] : ["interp", kind.qualifier];
    draft.dependencies.requires.addSimple(command, qualifiers);
  }
  if (options.has("e") || options.has("q")) {
    addRpmlib(draft.dependencies.requires, "ScriptletExpansion", "4.9.0-1");
  }
  const file = options.get("f")?.at(-1);
  if (kind === undefined) {
    const conditions = readConditions(state, section, condition);
    draft.triggers.push({
      kind: triggerNames[section] ?? section,
      interpreter,
      body,
      priority: Number(options.get("P")?.at(-1) ?? defaultPriority),
      conditions,
      place,
    });
    return next;
  }
  if (interpreter.length > 1) {
    addRpmlib(draft.dependencies.requires, "ScriptletInterpreterArgs", "4.0.3-1");
  }
  if (draft.scriptlets.some((one) => one.kind === kind.kind)) {
    state.report("error", "section-twice", `Second %${section}`, place);
  }
  draft.scriptlets.push({
    kind: kind.kind,
    interpreter,
    body,
    ...(file === undefined ? {} : { file }),
    place,
  });
  return next;
}

function addRpmlib(list: DependencyList, feature: string, evr: string): void {
  const capability = { name: `rpmlib(${feature})`, operator: "<=", evr } as const;
  list.add({ kind: "simple", capability }, [], undefined);
}

/** What rpm finds wrong only after it has read the section: before 4.20 it then accepts the spec. */
function lateError(state: SpecState): "error" | "warning" {
  return state.expander.host.dialect === "4.18" ? "warning" : "error";
}

function readConditions(
  state: SpecState,
  section: string,
  condition: string,
): readonly SpecDependency[] {
  if (condition === "") {
    state.report("error", "trigger-condition", "missing trigger condition");
    return [];
  }
  const isFileTrigger = section.includes("filetrigger");
  if (isFileTrigger && !condition.startsWith("/")) {
    const message = `file trigger condition must begin with '/': ${condition}`;
    state.report(lateError(state), "trigger-condition", message);
  }
  const list = new DependencyList();
  readDependencies(state, list, condition, { tag: section, qualifiers: [], allowsRich: false });
  return list.sorted();
}

function checkInterpreter(state: SpecState, program: string): void {
  if (program.startsWith("<") && !program.endsWith(">")) {
    const message = `internal script must end with '>': ${program}`;
    state.report("error", "scriptlet-program", message);
  } else if (program.startsWith("<") && program !== "<lua>") {
    state.report(lateError(state), "scriptlet-program", `unsupported internal script: ${program}`);
  } else if (!program.startsWith("<") && !program.startsWith("/")) {
    const message = `script program must begin with '/': ${program}`;
    state.report("error", "scriptlet-program", message);
  }
}

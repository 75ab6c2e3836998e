import type { DependencyKind } from "../model/spec-package.ts";
import { readDependencies } from "./dependency-tag.ts";
import { isQualifier, type DraftPackage } from "./draft-package.ts";
import { splitQuotedWords } from "./header-options.ts";
import { checkName } from "./package-name.ts";
import { addBuildOption, checkBuildSystem } from "./build-system.ts";
import { addSource, excludeSources } from "./sources.ts";
import type { SpecState } from "./spec-state.ts";
import { type TagRule, tagRules } from "./tag-rules.ts";

/** A tag line taken apart. */
interface TagLine {
  /** rpm's name of the tag, in lower case. */
  readonly tag: string;
  /** Number of `Source1`; a language or qualifiers for others. */
  readonly suffix: string;
  readonly value: string;
}

const linePattern = /^([A-Za-z]+)([^:]*):([\s\S]*)$/;

/** Takes a tag line apart; undefined when it is not one. Tags begin the line. */
export function parseTagLine(line: string): TagLine | undefined {
  const match = linePattern.exec(line);
  if (match === null) return undefined;
  const [, word = "", rest = "", value = ""] = match;
  const tag = word.toLowerCase();
  // Only numbered tags may have anything but parentheses after the word.
  const rule = tagRules.get(tag);
  if (rule === undefined) return undefined;
  if (rule.kind === "source") return { tag, suffix: rest.trim(), value: value.trim() };
  if (rest.trim() === "") return { tag, suffix: "", value: value.trim() };
  const suffix = /^\s*\(\s*([^\s)]*)\s*\)\s*$/.exec(rest);
  if (rule.takes === undefined || suffix === null) return undefined;
  return { tag, suffix: suffix[1] ?? "", value: value.trim() };
}

const dependencyKinds: Readonly<Record<string, DependencyKind>> = {
  provides: "provides",
  requires: "requires",
  recommends: "recommends",
  suggests: "suggests",
  supplements: "supplements",
  enhances: "enhances",
  prereq: "requires",
  conflicts: "conflicts",
  obsoletes: "obsoletes",
  orderwithrequires: "orderWithRequires",
};

/** Takes a tag's value into the package, and defines the macro that goes with it. */
export function handleTag(state: SpecState, draft: DraftPackage, line: TagLine, raw: string): void {
  const rule = tagRules.get(line.tag);
  if (rule === undefined) return;
  const isNew = rule.since === "4.20" || (rule.takesSince === "4.20" && line.suffix !== "");
  if (isNew && state.expander.host.dialect === "4.18") {
    state.report("error", "tag-unknown", `Unknown tag: ${raw.slice(0, 200)}`);
    return;
  }
  if (rule.deprecated !== undefined) {
    const message = `${line.tag} is deprecated, use ${rule.deprecated}`;
    state.report("warning", "tag-deprecated", message);
  }
  if (line.value === "") {
    state.report("error", "tag-empty", `Empty tag: ${raw}`);
    return;
  }
  if (!take(state, draft, line, rule, raw)) return;
  if (rule.isMacro === true) {
    state.defineMacro(line.tag, line.value);
    if (draft.isMain) state.defineMacro(line.tag.toUpperCase(), line.value);
  }
}

function take(
  state: SpecState,
  draft: DraftPackage,
  line: TagLine,
  rule: TagRule,
  raw: string,
): boolean {
  const { tag, value, suffix } = line;
  const isOneWord = !/[ \t\n\v\f\r]/.test(value);
  const needsOneWord =
    rule.kind === "token" ||
    rule.kind === "version" ||
    rule.kind === "name" ||
    rule.kind === "epoch";
  if (needsOneWord && !isOneWord) {
    state.report("error", "tag-token", `Tag takes single token only: ${raw}`);
    return false;
  }
  switch (rule.kind) {
    case "name":
      checkName(state, value, raw, true);
      if (draft.isMain) draft.name = value;
      break;
    case "version":
      checkVersionCharacters(state, value, raw);
      break;
    case "epoch":
      if (!/^[0-9]+$/.test(value) || Number(value) > 0xffffffff) {
        const message = `Epoch field must be an unsigned number: ${raw}`;
        state.report("error", "tag-epoch", message);
        return false;
      }
      if (draft.tags.has(tag))
        state.report("error", "tag-twice", `Duplicate epoch entries: ${raw}`);
      draft.tags.set(tag, String(Number(value)));
      return true;
    case "translated":
      if (suffix !== "" && suffix !== "C") {
        draft.tags.set(`${tag}:${suffix}`, value);
        return true;
      }
      break;
    case "dependency":
      return takeDependency(state, draft, line);
    case "source":
      return addSource(state, tag === "patch", suffix, value, raw);
    case "words":
      state.restrictions[tag as keyof SpecState["restrictions"]].push(...words(value));
      return true;
    case "other":
      return takeOther(state, draft, line, raw);
    default:
  }
  if (draft.tags.has(tag)) {
    const severity = rule.kind === "translated" ? "warning" : "error";
    state.report(severity, "tag-twice", `Duplicate ${tag} entries in package: ${raw}`);
  }
  draft.tags.set(tag, value);
  return true;
}

function takeDependency(state: SpecState, draft: DraftPackage, line: TagLine): boolean {
  const { tag, value, suffix } = line;
  const qualifiers = suffix.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
  const isOld = state.expander.host.dialect === "4.18";
  const unknown = qualifiers.find(
    (one) => !isQualifier(one) || (isOld && (one === "preuntrans" || one === "postuntrans")),
  );
  if (unknown !== undefined) {
    state.report("error", "tag-qualifier", `Bad ${tag}: qualifiers: ${suffix}`);
    return false;
  }
  if (tag === "prereq") qualifiers.push("pre", "preun");
  if (tag.startsWith("build")) {
    const list = tag === "buildconflicts" ? state.buildConflicts : state.buildRequires;
    return readDependencies(state, list, value, { tag, qualifiers, allowsRich: true });
  }
  const kind = dependencyKinds[tag] ?? "requires";
  const allowsRich = kind !== "provides" && kind !== "obsoletes" && kind !== "orderWithRequires";
  return readDependencies(state, draft.dependencies[kind], value, { tag, qualifiers, allowsRich });
}

function takeOther(
  state: SpecState,
  draft: DraftPackage,
  { tag, value, suffix }: TagLine,
  raw: string,
): boolean {
  switch (tag) {
    case "buildsystem":
      return checkBuildSystem(state, value);
    case "buildoption":
      return addBuildOption(state, suffix, value);
    case "nosource":
    case "nopatch":
      excludeSources(state, tag === "nopatch", value);
      break;
    case "buildarch":
    case "buildarchitectures":
      return takeBuildArch(state, draft, value, raw);
    case "autoreqprov":
      draft.autoRequires = isYes(value);
      draft.autoProvides = isYes(value);
      break;
    case "autoreq":
      draft.autoRequires = isYes(value);
      break;
    case "autoprov":
      draft.autoProvides = isYes(value);
      break;
    case "docdir":
      state.expander.scope.pop("_docdir");
      state.defineMacro("_docdir", value);
      break;
    case "prefix":
    case "prefixes":
      draft.tags.set("prefixes", `${draft.tag("prefixes")} ${value}`.trim());
      if (words(value).some((one) => one.length > 1 && one.endsWith("/"))) {
        state.report("error", "tag-prefix", `Prefixes must not end with "/": ${raw}`);
        return false;
      }
      break;
    case "icon":
      return checkIcon(state, value);
    case "sourcelicense":
      state.sourceLicense = value;
      break;
    case "removepathpostfixes":
      draft.tags.set(tag, value);
      break;
    default:
  }
  return true;
}

function takeBuildArch(state: SpecState, draft: DraftPackage, value: string, raw: string): boolean {
  const archs = words(value);
  if (!draft.isMain) {
    if (archs.length !== 1 || archs[0] !== "noarch") {
      const message = `Only noarch subpackages are supported: ${raw}`;
      state.report("error", "arch-subpackage", message);
      return false;
    }
    draft.arch = "noarch";
    return true;
  }
  if (state.buildArchs !== undefined) {
    state.report("error", "arch-twice", `Duplicate BuildArch entry: ${raw}`);
    return false;
  }
  state.buildArchs = archs;
  return true;
}

/** rpm reads the icon at once; without a reader there is no telling. */
function checkIcon(state: SpecState, value: string): boolean {
  const path = state.expand(`%{_sourcedir}/${value}`);
  if (state.reader === undefined || state.reader.read(path) !== undefined) return true;
  state.report("error", "tag-icon", `Unable to open icon ${path}`);
  return false;
}

function words(value: string): readonly string[] {
  return splitQuotedWords(value) ?? [];
}

function isYes(value: string): boolean {
  return !/^(?:[nN0]|false$|off$)/i.test(value);
}

/** Versions and releases are of letters, digits and `._+~^`. */
function checkVersionCharacters(state: SpecState, value: string, raw: string): void {
  const illegal = /[^A-Za-z0-9._+~^%{}]/u.exec(value)?.[0];
  if (illegal !== undefined) {
    state.report("error", "version-character", `Illegal char '${illegal}' in: ${raw}`);
  }
  if (value.includes("..")) {
    state.report("error", "version-character", `Illegal sequence ".." in: ${raw}`);
  }
}

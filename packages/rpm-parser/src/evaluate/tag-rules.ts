type TagKind =
  | "text"
  | "translated"
  | "token"
  | "version"
  | "name"
  | "epoch"
  | "dependency"
  | "source"
  | "words"
  | "other";

export interface TagRule {
  readonly kind: TagKind;
  /** Its value becomes a macro of the tag's name. */
  readonly isMacro?: boolean;
  /** What may stand in parentheses. */
  readonly takes?: "language" | "qualifiers";
  /** The first rpm that lets it take them. */
  readonly takesSince?: "4.20";
  readonly deprecated?: string;
  /** The first rpm that has it. */
  readonly since?: "4.20";
}

/** The tags of rpm's `preambleList`. */
export const tagRules = new Map<string, TagRule>([
  ["name", { kind: "name", isMacro: true }],
  ["version", { kind: "version", isMacro: true }],
  ["release", { kind: "version", isMacro: true }],
  ["epoch", { kind: "epoch", isMacro: true }],
  ["summary", { kind: "translated", isMacro: true, takes: "language" }],
  ["license", { kind: "text", isMacro: true }],
  ["sourcelicense", { kind: "other", isMacro: true }],
  ["distribution", { kind: "text", isMacro: true }],
  ["disturl", { kind: "text", isMacro: true }],
  ["vendor", { kind: "text", isMacro: true }],
  ["group", { kind: "translated", isMacro: true, takes: "language" }],
  ["packager", { kind: "text", isMacro: true }],
  ["url", { kind: "token", isMacro: true }],
  ["vcs", { kind: "token", isMacro: true }],
  ["source", { kind: "source" }],
  ["patch", { kind: "source" }],
  ["nosource", { kind: "other" }],
  ["nopatch", { kind: "other" }],
  ["excludearch", { kind: "words" }],
  ["exclusivearch", { kind: "words" }],
  ["excludeos", { kind: "words" }],
  ["exclusiveos", { kind: "words" }],
  ["icon", { kind: "other" }],
  ["provides", { kind: "dependency" }],
  ["requires", { kind: "dependency", takes: "qualifiers" }],
  ["recommends", { kind: "dependency", takes: "qualifiers", takesSince: "4.20" }],
  ["suggests", { kind: "dependency", takes: "qualifiers", takesSince: "4.20" }],
  ["supplements", { kind: "dependency", takes: "qualifiers", takesSince: "4.20" }],
  ["enhances", { kind: "dependency", takes: "qualifiers", takesSince: "4.20" }],
  ["prereq", { kind: "dependency", takes: "qualifiers", deprecated: "Requires(pre)" }],
  ["conflicts", { kind: "dependency" }],
  ["obsoletes", { kind: "dependency" }],
  ["prefixes", { kind: "other", isMacro: true }],
  ["prefix", { kind: "other", isMacro: true }],
  ["buildroot", { kind: "other" }],
  ["buildarchitectures", { kind: "other" }],
  ["buildarch", { kind: "other" }],
  ["buildconflicts", { kind: "dependency" }],
  ["buildprereq", { kind: "dependency", deprecated: "BuildRequires" }],
  ["buildrequires", { kind: "dependency" }],
  ["autoreqprov", { kind: "other" }],
  ["autoreq", { kind: "other" }],
  ["autoprov", { kind: "other" }],
  ["docdir", { kind: "other" }],
  ["disttag", { kind: "token", isMacro: true }],
  ["bugurl", { kind: "token", isMacro: true }],
  ["translationurl", { kind: "text", isMacro: true }],
  ["upstreamreleases", { kind: "text", isMacro: true }],
  ["orderwithrequires", { kind: "dependency", takes: "qualifiers" }],
  ["removepathpostfixes", { kind: "other", isMacro: true }],
  ["modularitylabel", { kind: "token", isMacro: true }],
  ["buildsystem", { kind: "other", isMacro: true, since: "4.20" }],
  ["buildoption", { kind: "other", takes: "qualifiers", since: "4.20" }],
]);

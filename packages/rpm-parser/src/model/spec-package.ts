import type { Place } from "@cleanroom/core";
import type { Operator, Requirement } from "../capability/capability.ts";

/** Kinds of dependencies a package declares, by their tags, in the order in which they are told. */
export const dependencyKinds = [
  "requires",
  "provides",
  "conflicts",
  "obsoletes",
  "recommends",
  "suggests",
  "supplements",
  "enhances",
  "orderWithRequires",
] as const;

export type DependencyKind = (typeof dependencyKinds)[number];

/** One dependency of an evaluated spec. */
export interface SpecDependency {
  /** As rpmspec writes it: `name`, `name operator evr`, or the normal form of a rich dependency. */
  readonly text: string;
  /** The capability's name; the whole text of a rich dependency. */
  readonly name: string;
  readonly operator?: Operator;
  readonly evr?: string;
  readonly requirement: Requirement;
  /** `post` of `Requires(post)`; `interp` for a scriptlet's interpreter. */
  readonly qualifiers: readonly string[];
  /** Undefined for what rpm adds by itself. */
  readonly place: Place | undefined;
}

/** A source archive or patch. */
export interface SpecSource {
  readonly number: number;
  /** The tag's value, expanded. */
  readonly text: string;
  /** What the file is called in the source folder. */
  readonly fileName: string;
  /** The value where it is a URL. */
  readonly url: string | undefined;
  /** Listed in NoSource or NoPatch: not part of the source package. */
  readonly isExcluded: boolean;
  readonly place: Place;
}

/** One line of `%files`, or of a directive in it. */
export interface SpecFileEntry {
  /** A path or glob as the spec has it, expanded; relative ones belong to `%doc` and `%license`. */
  readonly path: string;
  /** `dir`, `doc`, `license`, `config`, `ghost`, `exclude`, `missingok`, `artifact`, `readme` ... */
  readonly directives: readonly string[];
  /** `noreplace` and `missingok` of `%config(...)`. */
  readonly configFlags: readonly string[];
  /** From `%attr` or `%defattr`, as written; `-` and absent mean: as on disk. */
  readonly mode?: string;
  readonly user?: string;
  readonly group?: string;
  readonly directoryMode?: string;
  readonly capabilities?: string;
  readonly languages: readonly string[];
  readonly place: Place;
}

export interface SpecScriptlet {
  /** `pre`, `post`, `preun`, `postun`, `pretrans`, `posttrans`, `preuntrans`, `postuntrans`, `verify`. */
  readonly kind: string;
  readonly interpreter: readonly string[];
  readonly body: string;
  /** `-f FILE`. */
  readonly file?: string;
  readonly place: Place;
}

export interface SpecTrigger {
  /** `triggerin`, `filetriggerpostun`, `transfiletriggerin` ... */
  readonly kind: string;
  readonly interpreter: readonly string[];
  readonly body: string;
  readonly priority: number;
  /** Packages with versions, or path prefixes. */
  readonly conditions: readonly SpecDependency[];
  readonly place: Place;
}

/** A package that the spec builds. */
export interface SpecPackage extends Readonly<Record<DependencyKind, readonly SpecDependency[]>> {
  readonly name: string;
  /** Null when unset. */
  readonly epoch: number | null;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  readonly summary: string;
  readonly license: string;
  readonly group: string;
  readonly url: string;
  readonly description: string;
  /** Other tags with one value, by rpm's name in lower case: `vendor`, `packager`, `vcs` ... */
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined without a `%files` section: the package is then not built. */
  readonly files: readonly SpecFileEntry[] | undefined;
  /** `%files -f`. */
  readonly fileLists: readonly string[];
  readonly scriptlets: readonly SpecScriptlet[];
  readonly triggers: readonly SpecTrigger[];
  readonly prefixes: readonly string[];
  readonly autoRequires: boolean;
  readonly autoProvides: boolean;
  readonly place: Place;
}

/** A build condition: something a builder can switch. */
export interface BuildCondition {
  readonly name: string;
  readonly isDefault: boolean;
  readonly isEnabled: boolean;
  readonly place: Place;
}

export interface ChangelogEntry {
  /** As written after the star: `Mon Jan 06 2020 Some One <one@example.org> - 1.2-3`. */
  readonly heading: string;
  /** Seconds since 1970, at noon UTC of the day; undefined when the date cannot be read. */
  readonly timeSeconds: number | undefined;
  readonly author: string;
  readonly text: string;
  readonly place: Place;
}

/** What an evaluated spec says: the source package and the packages it builds. */
export interface SourcePackage {
  readonly name: string;
  /** Null when unset. */
  readonly epoch: number | null;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  readonly summary: string;
  readonly license: string;
  readonly url: string;
  readonly description: string;
  readonly buildRequires: readonly SpecDependency[];
  readonly buildConflicts: readonly SpecDependency[];
  readonly sources: readonly SpecSource[];
  readonly patches: readonly SpecSource[];
  /** The main package first, then in the order of the spec. */
  readonly packages: readonly SpecPackage[];
  readonly buildConditions: readonly BuildCondition[];
  readonly changelog: readonly ChangelogEntry[];
  readonly buildArchs: readonly string[];
  readonly excludeArch: readonly string[];
  readonly exclusiveArch: readonly string[];
  readonly excludeOs: readonly string[];
  readonly exclusiveOs: readonly string[];
  /** Bodies of `prep`, `generate_buildrequires`, `conf`, `build`, `install`, `check`, `clean`. */
  readonly buildScripts: Readonly<Record<string, string>>;
  /** `%generate_buildrequires` is there: more BuildRequires become known during the build only. */
  readonly hasDynamicBuildRequires: boolean;
}

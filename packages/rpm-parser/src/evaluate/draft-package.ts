import type { Place } from "@cleanroom/core";
import { senseFlags } from "../header/dependencies.ts";
import { formatRequirement, type Requirement } from "../capability/capability.ts";
import {
  dependencyKinds,
  type DependencyKind,
  type SpecDependency,
  type SpecFileEntry,
  type SpecPackage,
  type SpecScriptlet,
  type SpecTrigger,
} from "../model/spec-package.ts";

/** A dependency with the bits rpm sorts by. */
interface DraftDependency {
  readonly dependency: SpecDependency;
  readonly flags: number;
}

/** What may stand in the parentheses of `Requires(...)`. */
const qualifierNames = new Set(
  "pre post preun postun pretrans posttrans preuntrans postuntrans verify interp prereq rpmlib meta".split(
    " ",
  ),
);

export function isQualifier(name: string): boolean {
  return qualifierNames.has(name);
}

/** A list of dependencies as rpm keeps it: sorted, each once. */
export class DependencyList {
  readonly #items: DraftDependency[] = [];
  /** Most of a package's many lists stay empty. */
  #known: Set<string> | undefined;

  add(requirement: Requirement, qualifiers: readonly string[], place: Place | undefined): void {
    const text = formatRequirement(requirement);
    const simple = requirement.kind === "simple" ? requirement.capability : { name: text };
    const marks = simple.name.startsWith("rpmlib(") ? [...qualifiers, "rpmlib"] : qualifiers;
    // They decide the order of equal names.
    const flags = senseFlags(simple.operator, marks);
    const key = `${simple.name}\0${simple.evr ?? ""}\0${flags}`;
    this.#known ??= new Set();
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const { name, operator, evr } = simple;
    const dependency: SpecDependency =
      operator === undefined || evr === undefined
        ? { text, name, requirement, qualifiers: marks, place }
        : { text, name, operator, evr, requirement, qualifiers: marks, place };
    this.#items.push({ dependency, flags });
  }

  addSimple(name: string, qualifiers: readonly string[] = []): void {
    this.add({ kind: "simple", capability: { name } }, qualifiers, undefined);
  }

  sorted(): readonly SpecDependency[] {
    return this.#items
      .toSorted(
        (a, b) =>
          compareText(a.dependency.name, b.dependency.name) ||
          compareText(a.dependency.evr ?? "", b.dependency.evr ?? "") ||
          a.flags - b.flags,
      )
      .map((item) => item.dependency);
  }

  get size(): number {
    return this.#items.length;
  }
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Tags that a subpackage has from the main package unless it has its own. */
const inheritedTags = [
  "epoch",
  "version",
  "release",
  "license",
  "packager",
  "distribution",
  "disturl",
  "vendor",
  "url",
  "vcs",
  "disttag",
  "bugurl",
  "translationurl",
  "upstreamreleases",
  "group",
  "modularitylabel",
  "prefixes",
] as const;

/** Tags that a package has a field for. */
const ownFields = new Set(
  "name epoch version release summary license group url description".split(" "),
);

/** A package while its spec is being read. */
export class DraftPackage {
  readonly isMain: boolean;
  /** What the spec calls it; the main package's is known from its Name tag on. */
  name: string;
  readonly place: Place;
  /** Values of tags by rpm's name in lower case; a language follows a colon: `summary:de`. */
  readonly tags = new Map<string, string>();
  readonly dependencies: Readonly<Record<DependencyKind, DependencyList>>;
  arch: string | undefined;
  autoRequires = true;
  autoProvides = true;
  files: SpecFileEntry[] | undefined;
  fileLists: string[] = [];
  readonly scriptlets: SpecScriptlet[] = [];
  readonly triggers: SpecTrigger[] = [];

  constructor(name: string, place: Place, isMain: boolean) {
    this.name = name;
    this.place = place;
    this.isMain = isMain;
    this.dependencies = Object.fromEntries(
      dependencyKinds.map((kind) => [kind, new DependencyList()]),
    ) as unknown as Record<DependencyKind, DependencyList>;
  }

  tag(name: string): string {
    return this.tags.get(name) ?? "";
  }

  /** `[epoch:]version-release`. */
  get evr(): string {
    const epoch = this.tags.get("epoch");
    return `${epoch === undefined ? "" : `${epoch}:`}${this.tag("version")}-${this.tag("release")}`;
  }

  inherit(main: DraftPackage): void {
    for (const tag of inheritedTags) {
      const value = main.tags.get(tag);
      if (value !== undefined && !this.tags.has(tag)) this.tags.set(tag, value);
    }
  }

  finish(arch: string): SpecPackage {
    const others = [...this.tags].filter(([tag]) => !ownFields.has(tag));
    const lists = Object.fromEntries(
      dependencyKinds.map((kind) => [kind, this.dependencies[kind].sorted()]),
    ) as Record<DependencyKind, readonly SpecDependency[]>;
    return {
      ...lists,
      name: this.name,
      epoch: this.tags.has("epoch") ? Number(this.tag("epoch")) : null,
      version: this.tag("version"),
      release: this.tag("release"),
      arch: this.arch ?? arch,
      summary: this.tag("summary"),
      license: this.tag("license"),
      group: this.tag("group"),
      url: this.tag("url"),
      description: this.tag("description"),
      tags: Object.fromEntries(others),
      files: this.files,
      fileLists: this.fileLists,
      scriptlets: this.scriptlets,
      triggers: this.triggers,
      prefixes: this.tag("prefixes")
        .split(/\s+/)
        .filter((one) => one !== ""),
      autoRequires: this.autoRequires,
      autoProvides: this.autoProvides,
      place: this.place,
    };
  }
}

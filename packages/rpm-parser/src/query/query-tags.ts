import { senseFlags } from "../header/dependencies.ts";
import type { SourcePackage, SpecDependency, SpecPackage } from "../model/spec-package.ts";

/** What a tag holds: one value, or any number. */
export type TagContent = string | number | readonly (string | number)[];

/** Tags by rpm's names; those without a value are absent. */
export type QueryTags = ReadonlyMap<string, TagContent>;

/** The dependencies of a header, by the beginning of their tags' names. */
const dependencyTags = [
  ["requires", "REQUIRE"],
  ["provides", "PROVIDE"],
  ["conflicts", "CONFLICT"],
  ["obsoletes", "OBSOLETE"],
  ["recommends", "RECOMMEND"],
  ["suggests", "SUGGEST"],
  ["supplements", "SUPPLEMENT"],
  ["enhances", "ENHANCE"],
  ["orderWithRequires", "ORDER"],
] as const;

const scriptletTags: Readonly<Record<string, string>> = {
  pre: "PREIN",
  post: "POSTIN",
  preun: "PREUN",
  postun: "POSTUN",
  pretrans: "PRETRANS",
  posttrans: "POSTTRANS",
  preuntrans: "PREUNTRANS",
  postuntrans: "POSTUNTRANS",
  verify: "VERIFYSCRIPT",
};

interface Identity {
  readonly name: string;
  readonly epoch: number | null;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
}

/** The tags of a binary package, as `rpmspec -q` sees them. */
export function packageTags(source: SourcePackage, one: SpecPackage): QueryTags {
  const tags = new Map<string, TagContent>([
    ...identityTags(one),
    // rpmspec gives the changelog to the main package alone.
    ...(one === source.packages[0] ? changelogTags(source) : []),
    ["SUMMARY", one.summary],
    ["DESCRIPTION", one.description],
    ["GROUP", one.group],
    ["LICENSE", one.license],
    ["URL", one.url],
  ]);
  for (const [name, value] of Object.entries(one.tags)) {
    if (!name.includes(":")) tags.set(name.toUpperCase(), value);
  }
  for (const [kind, prefix] of dependencyTags) addDependencies(tags, prefix, one[kind]);
  for (const { kind, interpreter, body } of one.scriptlets) {
    const tag = scriptletTags[kind];
    if (tag === undefined) continue;
    if (body !== "") tags.set(tag, body);
    tags.set(`${tag}PROG`, interpreter);
  }
  return withoutEmpty(tags);
}

/** The tags of the source package, as `rpmspec -q --srpm` sees them. */
export function sourceTags(source: SourcePackage): QueryTags {
  const [main] = source.packages;
  const tags = new Map<string, TagContent>([
    ...identityTags(source),
    ...changelogTags(source),
    ["SUMMARY", source.summary],
    ["DESCRIPTION", source.description],
    ["GROUP", main?.group ?? ""],
    ["LICENSE", source.license],
    ["URL", source.url],
    // rpm lists them from the last to the first.
    ["SOURCE", source.sources.map(({ fileName }) => fileName).toReversed()],
    ["PATCH", source.patches.map(({ fileName }) => fileName).toReversed()],
    ["BUILDARCHS", source.buildArchs],
    ["EXCLUDEARCH", source.excludeArch],
    ["EXCLUSIVEARCH", source.exclusiveArch],
    ["EXCLUDEOS", source.excludeOs],
    ["EXCLUSIVEOS", source.exclusiveOs],
  ]);
  for (const [name, value] of Object.entries(main?.tags ?? {})) {
    if (!name.includes(":")) tags.set(name.toUpperCase(), value);
  }
  addDependencies(tags, "REQUIRE", source.buildRequires);
  addDependencies(tags, "CONFLICT", source.buildConflicts);
  const built = source.packages.filter(({ files }) => files !== undefined);
  addDependencies(
    tags,
    "PROVIDE",
    built.flatMap(({ name, provides }) =>
      provides.filter((one) => one.name === name && one.place === undefined),
    ),
  );
  return withoutEmpty(tags);
}

function identityTags({ name, epoch, version, release, arch }: Identity): [string, TagContent][] {
  const evr = `${epoch === null ? "" : `${epoch}:`}${version}-${release}`;
  return [
    ["NAME", name],
    ...(epoch === null ? [] : [["EPOCH", epoch] satisfies [string, TagContent]]),
    ["EPOCHNUM", epoch ?? 0],
    ["VERSION", version],
    ["RELEASE", release],
    ["ARCH", arch],
    ["OS", "linux"],
    ["EVR", evr],
    ["NVR", `${name}-${version}-${release}`],
    ["NVRA", `${name}-${version}-${release}.${arch}`],
    ["NEVR", `${name}-${evr}`],
    ["NEVRA", `${name}-${evr}.${arch}`],
  ];
}

function changelogTags({ changelog }: SourcePackage): [string, TagContent][] {
  return [
    ["CHANGELOGTIME", changelog.map(({ timeSeconds }) => timeSeconds ?? 0)],
    ["CHANGELOGNAME", changelog.map(({ author }) => author)],
    ["CHANGELOGTEXT", changelog.map(({ text }) => text)],
  ];
}

function addDependencies(
  tags: Map<string, TagContent>,
  prefix: string,
  list: readonly SpecDependency[],
): void {
  tags.set(
    `${prefix}NAME`,
    list.map(({ name }) => name),
  );
  tags.set(
    `${prefix}VERSION`,
    list.map(({ evr }) => evr ?? ""),
  );
  tags.set(
    `${prefix}NEVRS`,
    list.map(({ text }) => text),
  );
  tags.set(
    `${prefix}FLAGS`,
    list.map(({ operator, qualifiers }) => senseFlags(operator, qualifiers)),
  );
}

function withoutEmpty(tags: Map<string, TagContent>): QueryTags {
  for (const [name, value] of tags) {
    if (value === "" || (Array.isArray(value) && value.length === 0)) tags.delete(name);
  }
  return tags;
}

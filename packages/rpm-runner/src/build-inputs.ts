import { type Sha256, sha256 } from "@cleanroom/core";
import { nevraOf } from "@cleanroom/rootfs";
import type { ActionInputs } from "./action-key.ts";

/** The inputs of a build by name, kept so that a later run can say which one changed. */
export interface BuildInputs {
  readonly spec: Sha256;
  /** Digests of sources and patches by file name. */
  readonly sources: Readonly<Record<string, Sha256>>;
  /** The build root: packages by name. */
  readonly packages: Readonly<Record<string, { readonly nevra: string; readonly sha256: Sha256 }>>;
  readonly macros: Readonly<Record<string, string>>;
  readonly arch: string;
  /** Digest of the tools that install the build root. */
  readonly tools: string;
}

export function buildInputs(action: ActionInputs): BuildInputs {
  const { spec, sources, closure, macros, arch, tools } = action;
  return {
    spec: sha256(spec),
    sources: Object.fromEntries(sources.map((source) => [source.file, source.sha256])),
    packages: Object.fromEntries(
      closure.packages.map((entry) => [
        entry.name,
        { nevra: nevraOf(entry), sha256: entry.sha256 },
      ]),
    ),
    macros,
    arch,
    tools,
  };
}

/** One input that differs between two builds. */
export interface InputChange {
  readonly kind: "spec" | "source" | "package" | "macro" | "arch" | "tools";
  /** The file, package or macro. */
  readonly name: string;
  /** Undefined for what is new. */
  readonly before: string | undefined;
  /** Undefined for what is no longer there. */
  readonly after: string | undefined;
}

/** What changed between the inputs of two builds, in a fixed order. */
export function inputChanges(before: BuildInputs, after: BuildInputs): InputChange[] {
  return [
    ...changesOf("spec", { spec: before.spec }, { spec: after.spec }),
    ...changesOf("source", before.sources, after.sources),
    ...changesOf("macro", before.macros, after.macros),
    ...changesOf("arch", { arch: before.arch }, { arch: after.arch }),
    ...changesOf("tools", { tools: before.tools }, { tools: after.tools }),
    ...changesOf("package", packageTexts(before), packageTexts(after)),
  ];
}

/** Each package as `nevra digest`, by name. */
function packageTexts({ packages }: BuildInputs): Record<string, string> {
  return Object.fromEntries(
    Object.entries(packages).map(([name, { nevra, sha256: digest }]) => [
      name,
      `${nevra} ${digest}`,
    ]),
  );
}

function changesOf(
  kind: InputChange["kind"],
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): InputChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .toSorted()
    .map((name) => ({ kind, name, before: before[name], after: after[name] }));
}

/** A change in words. */
export function describeChange({ kind, name, before, after }: InputChange): string {
  switch (kind) {
    case "spec":
      return "its spec changed, as it is built";
    case "source":
      if (before === undefined) return `source ${name} is new`;
      if (after === undefined) return `source ${name} is no longer there`;
      return `source ${name} changed: ${before.slice(0, 12)} -> ${after.slice(0, 12)}`;
    case "macro":
      return `macro %${name} changed: ${before ?? "undefined"} -> ${after ?? "undefined"}`;
    case "arch":
      return `the architecture changed: ${before} -> ${after}`;
    case "tools":
      return `the tools that install its build root changed: ${before?.slice(0, 12)} -> ${after?.slice(0, 12)}`;
    default:
      return describePackage(name, before, after);
  }
}

function describePackage(
  name: string,
  before: string | undefined,
  after: string | undefined,
): string {
  const [oldNevra = "", oldDigest = ""] = before?.split(" ") ?? [];
  const [newNevra = "", newDigest = ""] = after?.split(" ") ?? [];
  if (before === undefined) return `its build root gains ${newNevra}`;
  if (after === undefined) return `its build root loses ${oldNevra}`;
  if (oldNevra !== newNevra) return `its build root has ${newNevra} in place of ${oldNevra}`;
  return `${name} in its build root was rebuilt differently: ${oldDigest.slice(0, 12)} -> ${newDigest.slice(0, 12)}`;
}

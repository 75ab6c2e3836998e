import { parseCapability } from "rpm-parser";
import { closureOf, providersByName, providersOf } from "./package-graph.ts";
import type { PackageNeeds } from "@cleanroom/rootfs";

/** An RPM, with what its spec says of it by hand. */
export interface SuggestionInput extends Pick<
  PackageNeeds,
  "name" | "installedBytes" | "provides" | "requires"
> {
  /** The spec it comes from; undefined for a package of the base. */
  readonly source: string | undefined;
  /** Requires that stand in the spec, as rpm writes them; none for a package of the base. */
  readonly declared: readonly string[];
}

/** Something that a profile could take away. */
export interface Suggestion {
  readonly kind: "subpackage" | "requires" | "buildRequires";
  /** Name of the RPM that it is about; of the spec for BuildRequires. */
  readonly packageName: string;
  /** The dependency; undefined for a subpackage. */
  readonly dependency: string | undefined;
  /** Installed bytes that would be spared. */
  readonly sparedBytes: number;
  /** Where they are: what nothing installs is in the repository alone. */
  readonly sparedFrom: "build root" | "images" | "build roots" | "repository";
  readonly why: string;
}

/** Capabilities that are asked for, by what asks. */
export interface WantedCapabilities {
  readonly images: readonly string[];
  /** BuildRequires, and what every build root holds. */
  readonly builds: readonly string[];
}

/**
 * What a profile could drop of one spec's packages, most first:
 *
 * - subpackages that nothing installs: neither an image nor a build, through any chain of Requires;
 * - Requires written in the spec that bring a package which no file links and no dependency that
 *   rpm found asks for, and nothing else either. Whether a program starts the other one is not
 *   seen.
 *
 * @param rpms of the whole stack, and of the base
 */
export function suggestCuts(
  source: string,
  rpms: readonly SuggestionInput[],
  wanted: WantedCapabilities,
): Suggestion[] {
  const index = providersByName(rpms);
  const inImages = closureOf(wanted.images, index, requiresOf);
  const inBuilds = closureOf(wanted.builds, index, requiresOf);
  const isInstalled = (rpm: SuggestionInput): boolean => inImages.has(rpm) || inBuilds.has(rpm);
  const own = rpms.filter((rpm) => rpm.source === source);
  const idle = own
    // Debug information is for the day that nobody plans for, and has a switch of its own.
    .filter((rpm) => !isInstalled(rpm) && !/-debug(?:info|source)$/.test(rpm.name))
    .map((rpm): Suggestion => ({
      kind: "subpackage",
      packageName: rpm.name,
      dependency: undefined,
      sparedBytes: rpm.installedBytes,
      sparedFrom: "repository",
      why: "no image and no build installs it",
    }));
  const loose = own.filter(isInstalled).flatMap((rpm) =>
    rpm.declared.flatMap((dependency): Suggestion[] => {
      const targets = providersOf(dependency, index).filter((one) => one !== rpm);
      if (targets.length === 0 || targets.some((one) => isUsed(rpm, one))) return [];
      // Headers are of no use without their library, whatever links.
      if (rpm.name.endsWith("-devel") && targets.every((one) => one.source === source)) return [];
      const others = (from: SuggestionInput): readonly string[] =>
        requiresOf(from).filter((text) => from !== rpm || text !== dependency);
      const spared = (
        installed: ReadonlySet<SuggestionInput>,
        capabilities: readonly string[],
      ): number => {
        const without = closureOf(capabilities, index, others);
        return bytesOf([...installed].filter((one) => !without.has(one)));
      };
      const fromImages = spared(inImages, wanted.images);
      const sparedBytes = fromImages === 0 ? spared(inBuilds, wanted.builds) : fromImages;
      if (sparedBytes === 0) return [];
      const names = targets.map(({ name }) => name).join(", ");
      return [
        {
          kind: "requires",
          packageName: rpm.name,
          dependency,
          sparedBytes,
          sparedFrom: fromImages === 0 ? "build roots" : "images",
          why: `no file links ${names}, and rpm found no other need of it`,
        },
      ];
    }),
  );
  return [...idle, ...loose].toSorted((a, b) => b.sparedBytes - a.sparedBytes);
}

function bytesOf(rpms: readonly SuggestionInput[]): number {
  return rpms.reduce((sum, one) => sum + one.installedBytes, 0);
}

function requiresOf(rpm: SuggestionInput): readonly string[] {
  return [...rpm.declared, ...automatic(rpm)];
}

/** Requires of the header that do not stand in the spec. */
function automatic({ requires, declared }: SuggestionInput): string[] {
  const names = new Set(declared.map(nameOf));
  return requires.filter((text) => !names.has(nameOf(text)));
}

/** Whether anything but a Requires in the spec leads from one RPM to another. */
function isUsed(rpm: SuggestionInput, other: SuggestionInput): boolean {
  const provided = new Set(other.provides);
  return automatic(rpm).some((text) => provided.has(nameOf(text)));
}

/** The name of a capability; a rich dependency's whole text. */
function nameOf(text: string): string {
  return parseCapability(text)?.name ?? text;
}

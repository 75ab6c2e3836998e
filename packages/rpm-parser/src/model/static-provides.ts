import { type Capability, formatCapability } from "../capability/capability.ts";
import { parseCapability } from "../capability/parse.ts";
import { formatEvr } from "../version/evr.ts";
import type { SourcePackage, SpecFileEntry, SpecPackage } from "./spec-package.ts";

/** One capability that a package of a spec will have, as far as the spec tells. */
export interface StaticProvide extends Capability {
  /** The package that provides it. */
  readonly packageName: string;
  /** As rpm writes it. */
  readonly text: string;
  /** `declared`: by the spec or by rpm itself; `file`: inferred from a `%files` entry. */
  readonly origin: "declared" | "file";
}

/**
 * What the packages of a spec provide, known without building them: names with their versions,
 * explicit Provides, and what literal `%files` entries tell: their paths, `pkgconfig(x)` from `x.pc`,
 * `typelib(X)` from a typelib, `cmake(X)` from a CMake package, and the names of versioned libraries.
 * Entries with wildcards tell what their literal part does. A build can always provide more.
 *
 * Packages without `%files` are not built and provide nothing.
 */
export function staticProvides(source: SourcePackage): readonly StaticProvide[] {
  return source.packages.flatMap((one) =>
    one.files === undefined ? [] : packageProvides(one, one.files),
  );
}

function packageProvides(
  one: SpecPackage,
  files: readonly SpecFileEntry[],
): readonly StaticProvide[] {
  const found = new Map<string, StaticProvide>();
  const add = (capability: Capability, origin: StaticProvide["origin"]): void => {
    const text = formatCapability(capability);
    if (!found.has(text)) found.set(text, { ...capability, packageName: one.name, text, origin });
  };
  for (const { text, requirement } of one.provides) {
    if (requirement.kind === "simple") add(parseCapability(text) ?? { name: text }, "declared");
  }
  const evr = formatEvr({
    ...(one.epoch === null ? {} : { epoch: String(one.epoch) }),
    version: one.version,
    release: one.release,
  });
  add({ name: one.name, operator: "=", evr }, "declared");
  for (const { path, directives } of files) {
    if (directives.includes("exclude") || directives.includes("ghost")) continue;
    if (!path.startsWith("/")) continue;
    for (const capability of fileProvides(path, one.arch)) add(capability, "file");
  }
  return [...found.values()];
}

/** What a file of this path provides by rpm's generators, and by being there. */
function fileProvides(path: string, arch: string): readonly Capability[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const hasWildcard = /[*?[\]{}]/.test(path);
  const found: Capability[] = hasWildcard ? [] : [{ name: path }];
  const stem = name.replace(/[*?[{].*$/, "");
  if (path.includes("/pkgconfig/") && name.endsWith(".pc") && !hasWildcard) {
    found.push({ name: `pkgconfig(${name.slice(0, -3)})` });
  }
  const typelib = /^(.+)-([0-9.]+)\.typelib$/.exec(name);
  if (typelib !== null && path.includes("/girepository-1.0/")) {
    found.push({ name: `typelib(${typelib[1]})`, operator: "=", evr: typelib[2] ?? "" });
  }
  const cmake = /\/cmake\/([^/*?]+?)(?:-[0-9.]+)?(?:\/|$)/.exec(path);
  if (cmake !== null) {
    const config = /^(.+?)(?:Config|-config)\.cmake$/.exec(name)?.[1];
    found.push({ name: `cmake(${config ?? cmake[1]})` });
  }
  const library =
    /^(lib[^/*?]*\.so\.[0-9]+)(?:[.*?{[].*)?$/.exec(name)?.[1] ??
    /^(lib[^/*?]*\.so\.[0-9]+)/.exec(stem)?.[1];
  if (library !== undefined && /\/lib(?:64)?\/[^/]*$/.test(path) && arch !== "noarch") {
    found.push({ name: `${library}()${arch.includes("64") ? "(64bit)" : ""}` });
  }
  return found;
}

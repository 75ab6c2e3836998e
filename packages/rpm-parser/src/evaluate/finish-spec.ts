import type { SourcePackage } from "../model/spec-package.ts";
import type { BuildConditionLog } from "./build-condition.ts";
import type { SpecState } from "./spec-state.ts";

/** The model of a spec that was read to its end: what rpm adds by itself is added here. */
export function finishSpec(state: SpecState, conditions: BuildConditionLog): SourcePackage {
  const main = state.main;
  const arch = state.expand("%{_target_cpu}");
  const isa = state.expand("%{?_isa}");
  const packages = state.packages.map((draft) => {
    const own = draft.arch ?? arch;
    const evr = draft.evr;
    const provide = (name: string): void =>
      draft.dependencies.provides.add(
        { kind: "simple", capability: { name, operator: "=", evr } },
        [],
        undefined,
      );
    provide(draft.name);
    if (own !== "noarch" && isa !== "") provide(`${draft.name}${isa}`);
    return draft.finish(arch);
  });
  const [first] = packages;
  return {
    name: main.name,
    epoch: first?.epoch ?? null,
    version: main.tag("version"),
    release: main.tag("release"),
    arch,
    summary: main.tag("summary"),
    license: state.sourceLicense ?? main.tag("license"),
    url: main.tag("url"),
    description: main.tag("description"),
    buildRequires: state.buildRequires.sorted(),
    buildConflicts: state.buildConflicts.sorted(),
    sources: state.sources,
    patches: state.patches,
    packages,
    buildConditions: conditions.finish(),
    changelog: state.changelog,
    buildArchs: state.buildArchs ?? [],
    excludeArch: state.restrictions.excludearch,
    exclusiveArch: state.restrictions.exclusivearch,
    excludeOs: state.restrictions.excludeos,
    exclusiveOs: state.restrictions.exclusiveos,
    buildScripts: Object.fromEntries(state.buildScripts),
    hasDynamicBuildRequires: state.buildScripts.has("generate_buildrequires"),
  };
}

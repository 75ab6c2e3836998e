import { type Json, type Sha256, sha256 } from "@cleanroom/core";
import { nevraOf, type Repository, rpmPurl } from "@cleanroom/rootfs";
import type { SpecSource } from "rpm-parser";
import type { StackPackage } from "@cleanroom/spec-strip";
import { type ActionInputs, runnerEpoch } from "./action-key.ts";
import type { BuiltRpm } from "./build-result.ts";
import { macroFileText } from "./macro-file.ts";

type NamedSource = Pick<SpecSource, "fileName" | "url">;

/** What came of a build, and of what. */
export interface ProvenanceInput {
  readonly entry: Pick<StackPackage, "name" | "stage" | "displayFolder" | "spec"> & {
    readonly model: {
      readonly sources: readonly NamedSource[];
      readonly patches: readonly NamedSource[];
    };
  };
  readonly action: ActionInputs;
  readonly key: Sha256;
  readonly base: Pick<Repository, "id" | "digest">;
  readonly rpms: readonly BuiltRpm[];
}

/**
 * How a build's RPMs came to be: an in-toto statement (v1) with a SLSA provenance (v1). It names
 * every input of the action key by digest. It holds no time, no place and no log, because the same
 * inputs give the same RPMs whenever and wherever they are built; these are beside it, in the
 * action result.
 */
export function provenanceStatement({ entry, action, key, base, rpms }: ProvenanceInput): Json {
  const { sources, closure, macros, arch, tools } = action;
  const macroText = macroFileText(macros);
  const addresses = new Map(
    [...entry.model.sources, ...entry.model.patches].map(({ fileName, url }) => [fileName, url]),
  );
  const patches = new Set(entry.model.patches.map(({ fileName }) => fileName));
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: rpms.map(({ file, sha256: digest }) => ({ name: file, digest: { sha256: digest } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://cleanroom.invalid/rpm-build/v1",
        externalParameters: {
          package: entry.name,
          ...(entry.stage === undefined ? {} : { stage: entry.stage }),
          folder: entry.displayFolder,
          architecture: arch,
        },
        internalParameters: { actionKey: key, runnerEpoch },
        resolvedDependencies: [
          material("spec", `${entry.name}.spec`, sha256(entry.spec)),
          ...sources
            .map((source) => ({
              ...material(
                patches.has(source.file) ? "patch" : "source",
                source.file,
                source.sha256,
              ),
              ...(addresses.get(source.file) === undefined
                ? {}
                : { uri: addresses.get(source.file) }),
            }))
            .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
          {
            ...material("macros", "macros", sha256(macroText)),
            mediaType: "text/plain",
            content: Buffer.from(macroText).toString("base64"),
          },
          material("tools", "tools", tools),
          material("base", base.id, base.digest),
          ...closure.packages.map((one) => ({
            ...material("build-root", nevraOf(one), one.sha256),
            uri: rpmPurl({
              ...one,
              // What the stack builds comes to clients in one repository.
              repository: one.repository === base.id ? base.id : "cleanroom",
              evr: `${one.epoch === 0 ? "" : `${one.epoch}:`}${one.version}-${one.release}`,
            }),
          })),
        ],
      },
      runDetails: { builder: { id: "https://cleanroom.invalid/builder/local" } },
    },
  };
}

function material(kind: string, name: string, digest: string) {
  return { name, digest: { sha256: digest }, annotations: { kind } };
}

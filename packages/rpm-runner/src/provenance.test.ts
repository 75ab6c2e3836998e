import { sha256 } from "@cleanroom/core";
import { closureOf } from "@cleanroom/rootfs";
import { expect, test } from "vitest";
import type { ActionInputs } from "./action-key.ts";
import { type ProvenanceInput, provenanceStatement } from "./provenance.ts";

const built = {
  name: "gcc",
  epoch: 0,
  version: "14",
  release: "1",
  arch: "x86_64",
  sha256: "a".repeat(64),
  sizeBytes: 1,
  repository: "base",
  location: "gcc.rpm",
  sourceRpm: "gcc-14-1.src.rpm",
};
const own = { ...built, name: "glib2", epoch: 2, sha256: "b".repeat(64), repository: "glib2" };

const action: ActionInputs = {
  spec: "Name: a\n",
  sources: [
    { file: "fix.patch", sha256: "2".repeat(64), origin: { local: "/elsewhere/fix.patch" } },
    { file: "a.tar", sha256: "1".repeat(64), origin: { blob: "1".repeat(64) } },
  ],
  closure: closureOf([own, built]),
  macros: { dist: ".cr1" },
  arch: "x86_64",
  tools: "4".repeat(64),
};

const input: ProvenanceInput = {
  entry: {
    name: "a",
    stage: undefined,
    displayFolder: "specs/rpm/a",
    spec: "# as it is built\nName: a\n",
    model: {
      sources: [{ fileName: "a.tar", url: "https://example.org/a.tar" }],
      patches: [{ fileName: "fix.patch", url: undefined }],
    },
  },
  action,
  key: "5".repeat(64),
  base: { id: "base", digest: "6".repeat(64) },
  rpms: [{ file: "a-1-1.x86_64.rpm", sha256: "7".repeat(64), size: 1 }],
};

test("every input of the action key is a material, by digest", () => {
  const kind = (name: string) => ({ annotations: { kind: name } });
  expect(provenanceStatement(input)).toEqual({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "a-1-1.x86_64.rpm", digest: { sha256: "7".repeat(64) } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://cleanroom.invalid/rpm-build/v1",
        externalParameters: { package: "a", folder: "specs/rpm/a", architecture: "x86_64" },
        internalParameters: { actionKey: "5".repeat(64), runnerEpoch: expect.any(Number) },
        resolvedDependencies: [
          {
            ...kind("spec"),
            name: "a.spec",
            digest: { sha256: sha256("# as it is built\nName: a\n") },
          },
          {
            ...kind("source"),
            name: "a.tar",
            digest: { sha256: "1".repeat(64) },
            uri: "https://example.org/a.tar",
          },
          { ...kind("patch"), name: "fix.patch", digest: { sha256: "2".repeat(64) } },
          {
            ...kind("macros"),
            name: "macros",
            digest: { sha256: sha256("%dist .cr1\n") },
            mediaType: "text/plain",
            content: Buffer.from("%dist .cr1\n").toString("base64"),
          },
          { ...kind("tools"), name: "tools", digest: { sha256: "4".repeat(64) } },
          { ...kind("base"), name: "base", digest: { sha256: "6".repeat(64) } },
          {
            ...kind("build-root"),
            name: "gcc-14-1.x86_64",
            digest: { sha256: "a".repeat(64) },
            uri: "pkg:rpm/base/gcc@14-1?arch=x86_64&upstream=gcc-14-1.src.rpm",
          },
          {
            ...kind("build-root"),
            name: "glib2-2:14-1.x86_64",
            digest: { sha256: "b".repeat(64) },
            uri: "pkg:rpm/cleanroom/glib2@14-1?arch=x86_64&epoch=2&upstream=gcc-14-1.src.rpm",
          },
        ],
      },
      runDetails: { builder: { id: "https://cleanroom.invalid/builder/local" } },
    },
  });
});

test("a stage says that it is one", () => {
  const entry = { ...input.entry, stage: "bootstrap" } as const;
  expect(provenanceStatement({ ...input, entry })).toMatchObject({
    predicate: { buildDefinition: { externalParameters: { package: "a", stage: "bootstrap" } } },
  });
});

test("the order in which sources are found does not show", () => {
  const sources = action.sources.toReversed();
  expect(provenanceStatement({ ...input, action: { ...action, sources } })).toEqual(
    provenanceStatement(input),
  );
});

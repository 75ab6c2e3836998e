import { closureOf } from "@cleanroom/rootfs";
import { expect, test } from "vitest";
import { actionKey, type ActionInputs } from "./action-key.ts";

const package_ = {
  name: "gcc",
  epoch: 0,
  version: "14",
  release: "1",
  arch: "x86_64",
  sha256: "a".repeat(64),
  sizeBytes: 1,
  repository: "base",
  location: "gcc.rpm",
  sourceRpm: "gcc.src.rpm",
};

const inputs: ActionInputs = {
  spec: "Name: a\n",
  sources: [
    { file: "a.tar", sha256: "1".repeat(64), origin: { blob: "1".repeat(64) } },
    { file: "b.patch", sha256: "2".repeat(64), origin: { local: "/x/b.patch" } },
  ],
  closure: closureOf([package_]),
  macros: { dist: ".cr1" },
  arch: "x86_64",
  tools: "t1",
};

const key = actionKey(inputs);

test.each<[string, Partial<ActionInputs>]>([
  ["the spec", { spec: "Name: b\n" }],
  [
    "a source's bytes",
    { sources: inputs.sources.map((one) => ({ ...one, sha256: "3".repeat(64) })) },
  ],
  ["a source's name", { sources: inputs.sources.map((one) => ({ ...one, file: `${one.file}x` })) }],
  ["one source less", { sources: inputs.sources.slice(1) }],
  ["the build root", { closure: closureOf([{ ...package_, sha256: "b".repeat(64) }]) }],
  ["a macro", { macros: { dist: ".cr2" } }],
  ["a macro more", { macros: { dist: ".cr1", extra: "" } }],
  ["the architecture", { arch: "aarch64" }],
  ["the tools", { tools: "t2" }],
  [
    "a package of the build root more",
    { closure: closureOf([package_, { ...package_, name: "g++" }]) },
  ],
])("%s changes the key", (_what, change) => {
  expect(actionKey({ ...inputs, ...change })).not.toBe(key);
});

test("what cannot influence a build does not", () => {
  const sources = inputs.sources.toReversed();
  expect(actionKey({ ...inputs, sources })).toBe(key);
  const elsewhere = inputs.sources.map((one) => ({ ...one, origin: { local: "/elsewhere" } }));
  expect(actionKey({ ...inputs, sources: elsewhere })).toBe(key);
  const closure = closureOf([{ ...package_, repository: "mirror", location: "other.rpm" }]);
  expect(actionKey({ ...inputs, closure })).toBe(key);
});

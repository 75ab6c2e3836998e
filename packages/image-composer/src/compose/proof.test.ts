import { nameMatcher } from "@cleanroom/core";
import { expect, test } from "vitest";
import { imageForbiddenNeeds } from "./proof.ts";

const matches = nameMatcher(["libX11.so*"]);
const rules = [
  { name: "no-x11: forbid: libX11.so*", matches: ({ name }: { name: string }) => matches(name) },
];

const app = {
  nevra: "app-1-1.x86_64",
  name: "app",
  installedBytes: 1,
  provides: [],
  requires: ["libX11.so.6()(64bit)"],
  files: [
    { path: "/usr/bin/app", needed: ["libc.so.6"], named: ["libX11.so.6"] },
    { path: "/usr/lib64/app/x11.so", needed: ["libX11.so.6"], named: [] },
  ],
};

test("what a file of the image needs is found, and what one may open by name", () => {
  expect(imageForbiddenNeeds([app], [], rules)).toMatchObject([
    { by: "/usr/lib64/app/x11.so", need: "libX11.so.6", how: "needs" },
    { by: "/usr/bin/app", need: "libX11.so.6", how: "names" },
  ]);
});

test("a file that the image leaves out needs nothing; its package's header does", () => {
  const removed = [{ package: "app-1-1.x86_64", path: "/usr/lib64/app/x11.so" }];
  expect(imageForbiddenNeeds([app], removed, rules)).toMatchObject([
    { by: "Requires", need: "libX11.so.6()(64bit)", how: "needs" },
    { by: "/usr/bin/app", how: "names" },
  ]);
});

import { expect, test } from "vitest";
import {
  capabilityOf,
  dependencyOf,
  parseControl,
  parseRelations,
  rpmVersionOf,
} from "./deb-control.ts";

test("a control file's first paragraph, continuation lines joined", () => {
  const control = parseControl("Package: a\nDescription: short\n long\n .\n more\n\nPackage: b\n");
  expect(Object.fromEntries(control)).toEqual({
    package: "a",
    description: "short\nlong\n.\nmore",
  });
});

test.each([
  ["2.41-12", { epoch: undefined, version: "2.41", release: "12" }],
  ["1:1.17-4", { epoch: "1", version: "1.17", release: "4" }],
  ["20240727.1", { epoch: undefined, version: "20240727.1", release: "0" }],
  ["2.42.12+dfsg-4+deb13u1", { epoch: undefined, version: "2.42.12+dfsg", release: "4+deb13u1" }],
  ["1.2-rc1-3", { epoch: undefined, version: "1.2.rc1", release: "3" }],
  ["0:1-1", { epoch: undefined, version: "1", release: "1" }],
])("version %s", (text, expected) => {
  expect(rpmVersionOf(text)).toEqual(expected);
});

test.each([
  ["libc6", "libc6"],
  ["libc6 (>= 2.41)", "libc6 >= 2.41"],
  // 2.41-12 is greater than 2.41 in Debian; RPM takes a missing release as equal.
  ["libc6 (>> 2.41)", "libc6 >= 2.41"],
  ["libc6 (<= 2.41)", "libc6 < 2.41"],
  ["libc6 (<< 2.41)", "libc6 < 2.41"],
  ["libc6 (>> 2.41-3)", "libc6 > 2.41-3"],
  ["libc6 (<= 2.41-3)", "libc6 <= 2.41-3"],
  ["gcc (= 4:14.2.0-1)", "gcc = 4:14.2.0-1"],
  ["python3:any (>= 3.13)", "python3 >= 3.13"],
])("relation %s becomes %s", (text, expected) => {
  const [[relation] = []] = parseRelations(text);
  expect(relation && capabilityOf(relation)).toBe(expected);
});

test("alternatives become a rich dependency", () => {
  const [group = []] = parseRelations("debconf (>= 0.5) | debconf-2.0, other");
  expect(dependencyOf(group)).toBe("(debconf >= 0.5 or debconf-2.0)");
});

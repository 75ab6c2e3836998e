import { type Profile, profileFileSchema, profileFromFile } from "@cleanroom/spec-strip";
import { expect, test } from "vitest";
import { specOf } from "./convert.ts";
import { strippedSpec } from "./stripped-spec.ts";

const file = (path: string): object => ({
  ...{ path, kind: "file", mode: 0o644, user: "root", group: "root", mtime: 0 },
});

/** As Debian has it: the headers of EGL bring those of X11. */
const spec = specOf({
  contents: {
    control:
      "Package: libegl-dev\nSource: libglvnd\nVersion: 1.7.0-1\n" +
      "Depends: libegl1 (= 1.7.0-1), libx11-dev, libgl-dev | libx11-xcb-dev\n" +
      "Recommends: libx11-doc\nDescription: EGL\n",
    conffiles: "",
    shlibs: "",
    entries: [file("/usr/include/EGL/egl.h"), file("/usr/include/X11/egl hack.h")] as Parameters<
      typeof specOf
    >[0]["contents"]["entries"],
    elfRequires: [],
  },
  fixup: {},
  sonamesByPackage: new Map(),
  isExcluded: () => false,
});

const profile = (rules: object): Profile =>
  profileFromFile("no-x11", profileFileSchema.parse({ description: "d", ...rules }));

const strip = (rules: object): ReturnType<typeof strippedSpec> =>
  strippedSpec(spec, "libegl-dev", [profile(rules)], "x86_64");

test("an imported package loses what profiles drop, and nothing else changes", () => {
  const { text } = strip({
    drop: { dependencies: ["libx11-*"] },
    filter: { files: ["/usr/include/X11/**"] },
  });
  const lines = (of: string): string[] => of.split("\n");
  expect(lines(spec).filter((line) => !lines(text).includes(line))).toEqual([
    "Requires: (libgl-dev or libx11-xcb-dev)",
    "Requires: libx11-dev",
    "Recommends: libx11-doc",
    '%attr(644, root, root) "/usr/include/X11/egl hack.h"',
  ]);
  expect(text).toContain("\nRequires: libgl-dev\nRequires: libegl1 = 1.7.0-1\n");
  expect(text).toContain("\nrm -rf %{buildroot}/usr/include/X11\n");
});

test("rules for one package go by the Debian package's name, and must find something", () => {
  const rules = (match: string): object => ({
    packages: { "libegl-dev": { drop: { requires: [match] } } },
  });
  expect(strip(rules("libegl1")).text).not.toContain("Requires: libegl1");
  expect(strip(rules("libegl2")).report.unmatched).toMatchObject([{ match: "libegl2" }]);
});

test("a profile that finds nothing leaves the text as it is", () => {
  expect(strip({ drop: { dependencies: ["nothing"] } }).text).toBe(spec);
});

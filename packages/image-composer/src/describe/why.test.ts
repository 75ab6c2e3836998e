import { expect, test } from "vitest";
import { madeContents, madeImage } from "./built-image-fixture.ts";
import { whyInImage } from "./why.ts";

const why = (what: string): ReturnType<typeof whyInImage> =>
  whyInImage(madeImage(), madeContents, what);

test("a package that another one needs", () => {
  expect(why("libc6")).toEqual([
    {
      package: "libc6-2:2.41-12+deb13u5.x86_64",
      chain: "image -> glib2 -> libc6 (libc.so.6()(64bit))",
      neededBy: [{ package: "glib2-2.84.4-1.x86_64", capability: "libc.so.6()(64bit)" }],
    },
  ]);
});

test("a file, a capability and a NEVRA lead to their package", () => {
  expect(why("/usr/bin/gio")[0]?.chain).toBe("image -> glib2");
  expect(why("libc.so.6")[0]?.package).toBe("libc6-2:2.41-12+deb13u5.x86_64");
  expect(why("glib2-2.84.4-1.x86_64")[0]?.neededBy).toEqual([
    { package: "image", capability: "glib2" },
  ]);
});

test("a file of the state layer belongs to no package", () => {
  expect(why("/etc/ld.so.cache")[0]?.package).toBeUndefined();
});

test("what is not there is an error", () => {
  expect(() => why("libX11")).toThrow("libX11 is not in the image hello");
});

import { expect, test } from "vitest";
import { madeContents, madeImage, madePackage } from "./built-image-fixture.ts";
import { diffImages } from "./diff-images.ts";

test("the same image differs in nothing, and nothing is to pull", () => {
  const one = { image: madeImage(), contents: madeContents };
  const diff = diffImages(one, one);
  expect(diff.packages).toEqual({ added: [], removed: [], replaced: [] });
  expect(diff.pullBytes).toBe(0);
  expect(diff.lines).toEqual([
    "files: 0 added, 0 removed, 0 changed",
    "size: 4.0 MB unpacked (+0.0 kB), 1.0 MB compressed (+0.0 kB)",
    "layers: 2 shared, 0 to pull: 0.0 kB",
  ]);
});

test("packages, files and the layers that a client has to pull", () => {
  const before = madeImage();
  const [first, second] = before.layers;
  if (first === undefined || second === undefined) throw new Error("two layers");
  const after = madeImage({
    packages: [
      madePackage("glib2-2.84.5-1.x86_64", { sha256: "7".repeat(64), unpackedBytes: 1_500_000 }),
      madePackage("libffi8-3.4-1.x86_64"),
    ],
    layers: [{ ...first, digest: "sha256:new", compressedBytes: 600_000 }, second],
    ...{ unpackedBytes: 4_500_000, compressedBytes: 1_100_000 },
  });
  const contents = [
    { path: "/usr/bin/gio", mode: "0755", sizeBytes: 2, sha256: "8".repeat(64) },
    { path: "/usr/lib64/libffi.so.8", mode: "0777", sizeBytes: 0, link: "libffi.so.8.1" },
  ];
  const diff = diffImages({ image: before, contents: madeContents }, { image: after, contents });
  expect(diff.files).toEqual({
    added: ["/usr/lib64/libffi.so.8"],
    removed: ["/etc/ld.so.cache"],
    changed: ["/usr/bin/gio"],
  });
  expect(diff.lines).toEqual([
    "+ libffi8-3.4-1.x86_64",
    "~ glib2 2.84.4-1 -> 2.84.5-1: +0.5 MB",
    "- libc6-2:2.41-12+deb13u5.x86_64",
    "files: 1 added, 1 removed, 1 changed",
    "size: 4.5 MB unpacked (+0.5 MB), 1.1 MB compressed (+0.1 MB)",
    "layers: 1 shared, 1 to pull: 0.6 MB",
  ]);
});

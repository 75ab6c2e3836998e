import type { RpmFile } from "rpm-parser";
import { expect, test } from "vitest";
import { checkPackageFiles } from "./package-safety.ts";

const file = (path: string, change: Partial<RpmFile> = {}): RpmFile =>
  ({ path, type: "file", mode: 0o100644, sizeBytes: 1, linkTarget: "", ...change }) as RpmFile;

const check = (...files: RpmFile[]): void => {
  checkPackageFiles({ nevra: "evil-1-1.x86_64", files });
};

test.each([
  [[file("/usr/../../etc/passwd")], '"/usr/../../etc/passwd" does not name one place'],
  [[file("etc/passwd")], "is not absolute"],
  [[file("/usr//bin/x")], "does not name one place"],
  [[file("/usr/bin/x\n")], "holds a control character"],
  [[file("/usr/.wh.bin")], "would hide files of other layers"],
  [[file("/dev/sda", { type: "block-device" })], "is a block-device"],
  [[file("/run/pipe", { type: "fifo" })], "is a fifo"],
  [[file("/usr/x"), file("/usr/x")], "is listed twice"],
  [[file("/usr/x", { type: "symlink" })], "is a link to nothing"],
  [[file("/huge", { sizeBytes: 2 ** 40 })], "brings its package over"],
  [
    [file("/usr/x", { type: "symlink", linkTarget: "/etc" }), file("/usr/x/passwd")],
    'is below "/usr/x", which the package makes a symlink',
  ],
  [[file("/usr/x"), file("/usr/x/y/z")], 'is below "/usr/x", which the package makes a file'],
])("%# is refused", (files, message) => {
  expect(() => check(...files)).toThrow("evil-1-1.x86_64 is refused");
  expect(() => check(...files)).toThrow(message);
});

test("what packages really hold is not", () => {
  const directory = { type: "directory", mode: 0o40755 } as const;
  expect(() =>
    check(
      ...[file("/", directory), file("/usr/share/a b", directory), file("/usr/share/a b/..c")],
      ...[file("/bin", { type: "symlink", linkTarget: "usr/bin" }), file("/usr/share/gr\u{FC}n")],
    ),
  ).not.toThrow();
});

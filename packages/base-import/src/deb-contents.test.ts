import { expect, test } from "vitest";
import { parseListing, sonamesOf } from "./deb-contents.ts";

test("a listing's types, modes, owners, times and quoted names", () => {
  const listing = [
    'drwxr-xr-x root/root         0 2025-03-08 10:00:00 "./"',
    'drwxrwsr-x root/staff        0 2025-03-08 10:00:00 "./var/local/"',
    '-rwsr-xr-x root/root     55000 2025-03-08 10:00:01 "./usr/bin/su"',
    'lrwxrwxrwx root/root         0 2025-03-08 10:00:00 "./bin" -> "usr/bin"',
    'hrw-r--r-- root/root         0 2025-03-08 10:00:00 "./usr/a b" link to "./usr/c"',
    '-rw-r----- root/shadow       1 2025-03-08 10:00:00 "./etc/\\303\\251\\"x"',
  ].join("\n");
  expect(
    parseListing(listing, "x").map(({ path, kind, mode, group }) => [
      path,
      kind,
      mode.toString(8),
      group,
    ]),
  ).toEqual([
    ["/var/local", "folder", "2775", "staff"],
    ["/usr/bin/su", "file", "4755", "root"],
    ["/bin", "link", "777", "root"],
    ["/usr/a b", "file", "644", "root"],
    ['/etc/é"x', "file", "640", "shadow"],
  ]);
  expect(parseListing(listing, "x")[1]?.mtime).toBe(Date.UTC(2025, 2, 8, 10, 0, 1) / 1000);
});

test("an entry that leaves the package's root is refused", () => {
  const line = '-rw-r--r-- root/root 0 2025-03-08 10:00:00 "./usr/../../etc/passwd"';
  expect(() => parseListing(line, "evil")).toThrow("leaves the package's root");
});

test("a listing that is not understood is refused", () => {
  expect(() => parseListing("what?", "x")).toThrow("not understood");
});

test("sonames of a shlibs file, both ways of writing them", () => {
  expect(sonamesOf("libc 6 libc6 (>> 2.41)\nudeb: libc 6 libc6-udeb\n")).toEqual([
    "libc.so.6",
    "libc-6.so",
    "libc.so.6",
    "libc-6.so",
  ]);
});

import { describe, expect, test } from "vitest";
import { arranged, crumbs, formatSize, nameFault, summary } from "./file-list.js";

const file = (name: string, sizeBytes = 0) => ({
  ...{ name, sizeBytes, folder: false },
  hidden: name.startsWith("."),
});
const folder = (name: string) => ({ ...file(name), folder: true });

test("arranged: folders first, numbers by value, hidden ones if wanted", () => {
  const entries = [file("file10"), file("file9"), folder("z"), file(".hidden"), file("Äpfel")];
  const names = (withHidden: boolean) => arranged(entries, withHidden).map(({ name }) => name);
  expect(names(false)).toEqual(["z", "Äpfel", "file9", "file10"]);
  expect(names(true)).toContain(".hidden");
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1234, "1.2 kB"],
  [9_990, "10 kB"],
  [999_999, "1.0 MB"],
  [5_618_200, "5.6 MB"],
  [123_456_789_012, "123 GB"],
])("formatSize(%d)", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test("summary", () => {
  expect(summary([])).toBe("nothing here");
  expect(summary([folder("a"), folder("b")])).toBe("2 folders");
  expect(summary([folder("a"), file("b", 1500)])).toBe("1 folder, 1 file, 1.5 kB");
});

describe("crumbs", () => {
  test.each([
    ["/home/user", "Home"],
    ["/home/user/a/b", "Home a b"],
    ["/home/username", "/ home username"],
    ["/", "/"],
  ])("%s", (path, names) => {
    const found = crumbs(path, "/home/user");
    expect(found.map(({ name }) => name).join(" ")).toBe(names);
    expect(found.at(-1)?.path).toBe(path);
  });

  test("a home at the top is no place of its own", () => {
    expect(crumbs("/a", "/")).toEqual([
      { name: "/", path: "/" },
      { name: "a", path: "/a" },
    ]);
  });
});

test.each([
  ["a.txt", undefined],
  ["", "A name is needed"],
  ["..", "This name is taken by the system"],
  ["a/b", "A name cannot hold a slash"],
  ["ä".repeat(128), "This name is too long"],
])("nameFault(%j)", (name, fault) => {
  expect(nameFault(name)).toBe(fault);
});

import { readFileSync, realpathSync } from "node:fs";
import { expect, test } from "vitest";
import { readElfInterface } from "./elf-interface.ts";
import { run } from "./run.ts";

/** The C library of the machine: thousands of symbols of all kinds, with versions. */
const library = readFileSync("/proc/self/maps", "utf8").match(/\S+\/libc\.so\.6$/m)?.[0];
const hasReadelf = await run("readelf", ["--version"]).then(
  () => true,
  () => false,
);

const kinds: Readonly<Record<string, string>> = {
  FUNC: "function",
  OBJECT: "data",
  IFUNC: "indirect",
  TLS: "tls",
  NOTYPE: "none",
  COMMON: "common",
};

test.skipIf(!hasReadelf || library === undefined)(
  "symbols are those that readelf shows",
  async () => {
    const file = realpathSync(library ?? "");
    const { stdout } = await run("readelf", ["--wide", "--dyn-syms", file]);
    const expected = stdout.split("\n").flatMap((line) => {
      const words = line.trim().split(/\s+/);
      const [, , size = "", type = "", binding = "", visibility, section, name = ""] = words;
      if (!["GLOBAL", "WEAK", "UNIQUE"].includes(binding) || section === "UND") return [];
      if (visibility !== "DEFAULT" && visibility !== "PROTECTED") return [];
      const kind = kinds[type] ?? type;
      const bytes = ["data", "tls", "common"].includes(kind) ? ` ${Number(size)}` : "";
      return [`${name} ${kind} ${binding.toLowerCase()}${bytes}`];
    });
    const found = readElfInterface(readFileSync(file));
    expect(found?.soname).toBe("libc.so.6");
    expect(found?.symbols.length).toBeGreaterThan(2000);
    const shown = found?.symbols.map((symbol) => symbol.replace(/^(\S+)@@\1 /, "$1 "));
    expect(shown?.toSorted()).toEqual(expected.toSorted());
  },
);

test("a program, a text and a damaged file have none", () => {
  expect(readElfInterface(readFileSync(process.execPath).subarray(0, 4096))).toBe(undefined);
  expect(readElfInterface(Buffer.from("text"))).toBe(undefined);
  const damaged = readFileSync(realpathSync(library ?? process.execPath)).subarray(0, 100_000);
  expect(readElfInterface(damaged)).toBe(undefined);
});

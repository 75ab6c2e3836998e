import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const source = path.resolve(import.meta.dirname, "..");
const folders = ["evaluate", "macro", "syntax", "lua", "query"];
const raised =
  /(?:"(?:error|warning|note)",|severity,|lateError\(state\),|code:|\b(?:error|fail|failure)\()\s*"([a-z]+(?:-[a-z]+)+)"/g;

it("every diagnostic's code is documented", () => {
  const texts = folders.flatMap((folder) =>
    globSync(`${source}/${folder}/*.ts`)
      .filter((file) => !file.endsWith(".test.ts"))
      .map((file) => readFileSync(file, "utf8")),
  );
  const codes = new Set(
    texts.flatMap((text) => [...text.matchAll(raised)].map(([, code]) => code)),
  );
  const page = readFileSync(path.resolve(source, "../../../docs/spec-language.md"), "utf8");
  expect(codes.size).toBeGreaterThan(60);
  expect([...codes].filter((code) => !new RegExp(`[ \`]${code}[ \`]`).test(page))).toEqual([]);
});

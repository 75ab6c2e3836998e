import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { parseFindings } from "./rpmlint.ts";

test("findings are taken from rpmlint's output, and nothing else is", () => {
  const output = `============================ rpmlint session starts ============================
rpmlint: 2.7.0
configuration:
    /settings.toml
checks: 40, packages: 2

catatonit.spec:12: W: macro-in-comment %{name}
catatonit.x86_64: E: no-packager-tag
catatonit.x86_64: I: checking more: than that
 1 packages and 1 specfiles checked; 1 errors, 1 warnings, 0 filtered, 1 badness; has taken 0.2 s
`;
  expect(parseFindings(output)).toEqual([
    {
      level: "warning",
      subject: "catatonit.spec:12",
      check: "macro-in-comment",
      detail: "%{name}",
    },
    { level: "error", subject: "catatonit.x86_64", check: "no-packager-tag", detail: "" },
    { level: "info", subject: "catatonit.x86_64", check: "checking", detail: "more: than that" },
  ]);
});

test("nothing is filtered without a reason above it", async () => {
  const specs = path.resolve(import.meta.dirname, "../../../specs/rpm");
  const files = (await readdir(specs, { recursive: true })).filter((file) =>
    /(?:rpmlint\.toml|\.rpmlintrc)$/.test(file),
  );
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const lines = (await readFile(path.join(specs, file), "utf8")).split("\n");
    const isFilter = (line: string): boolean => /^(?: *'|addFilter\()/.test(line);
    const isComment = (line: string): boolean => /^ *# \S/.test(line);
    // Filters that follow each other have one reason.
    const without = lines.filter(
      (line, index) =>
        isFilter(line) &&
        !isComment(lines.slice(0, index).findLast((before) => !isFilter(before)) ?? ""),
    );
    expect({ file, without }).toEqual({ file, without: [] });
    expect(lines.some(isFilter)).toBe(true);
  }
});

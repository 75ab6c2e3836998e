import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSpec } from "./parse-spec.ts";
import { printSpec, printSpecText, spanText } from "./spec-tree.ts";

const text = `Name: a
%global b %{expand:
  x}
%if 1
Requires(post): c \\
  d
%else
# note
%endif
%description -n a
text
`;

describe("parseSpec", () => {
  const tree = parseSpec(text, "a.spec");

  it("splits a spec into logical lines", () => {
    expect(tree.lines.map((line) => line.content.kind)).toEqual([
      "tag",
      "definition",
      "condition",
      "tag",
      "condition",
      "comment",
      "condition",
      "section",
      "text",
    ]);
    expect(tree.problems).toEqual([]);
  });

  it("knows the parts of lines, and where they are", () => {
    const tag = tree.lines[3]?.content;
    expect(tag).toMatchObject({ kind: "tag", name: "Requires", qualifier: "post" });
    expect(tag?.kind === "tag" && spanText(tree, tag.valueSpan)).toBe("c \\\n  d");
    expect(tree.source.place(text.indexOf("Requires"))).toEqual({
      file: "a.spec",
      line: 5,
      column: 1,
    });
  });

  it("knows conditionals and sections", () => {
    expect(tree.branches.map((one) => [one.keyword, one.headerLine, one.endLine])).toEqual([
      ["if", 2, 4],
      ["else", 4, 6],
    ]);
    expect(tree.lines.map((line) => line.branch)).toEqual([-1, -1, -1, 0, -1, 1, -1, -1, -1]);
    expect(tree.sections.map((one) => [one.name, one.firstLine, one.endLine])).toEqual([
      ["preamble", 0, 7],
      ["description", 8, 9],
    ]);
  });

  it.each([
    ["%if 1\n", "condition-unclosed"],
    ["%endif\n", "condition-without-if"],
    ["%if 1\n%else\n%else\n%endif\n", "condition-after-else"],
    ["%{a\nb\n", "line-unterminated"],
  ])("lists what is wrong with %j", (input, code) => {
    expect(parseSpec(input).problems.map((one) => one.code)).toContain(code);
  });

  it("prints every input as it was", () => {
    const piece = fc.constantFrom(
      "%if 1\n",
      "%else\n",
      "%endif\r\n",
      "%{",
      "}",
      "%(",
      ")",
      "\\\n",
      "Name: x\n",
      "%files\n",
      "\n",
      "\r",
      "\0",
      "é",
      " ",
      "%define a b\n",
      "#%{x}\n",
      "\t%package y\n",
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const input = pieces.join("");
        expect(printSpecText(parseSpec(input))).toBe(input);
      }),
      { numRuns: 1000, seed: 3 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(Buffer.from(printSpec(parseSpec(bytes))).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 1000, seed: 4 },
    );
  });
});

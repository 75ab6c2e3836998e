import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { standardMacros } from "../macro/standard-macros.ts";
import { parseSpec } from "../syntax/parse-spec.ts";
import { printSpecText } from "../syntax/spec-tree.ts";
import { evaluateSpec, type Evaluation } from "./evaluate-spec.ts";

const macros = standardMacros();
const rules = JSON.parse(
  readFileSync(new URL("../../fixtures/rules/rpm-4.20.json", import.meta.url), "utf8"),
) as readonly { readonly spec: string }[];
const head = "Name: t\nVersion: 1\nRelease: 1\nSummary: s\nLicense: l\n";

function evaluate(text: string): Evaluation {
  return evaluateSpec(parseSpec(text), { macros, shell: { kind: "emulate" } });
}

/** Each would take rpm's own tools down, or for ever. */
const attacks: readonly (readonly [name: string, spec: string])[] = [
  ["deep parentheses", `${head}%if ${"(".repeat(100_000)}\n%endif\n%description\n`],
  ["deep expressions", `${head}%[${"-".repeat(100_000)}1]\n%description\n`],
  ["deep ternaries", `${head}%[${"1?".repeat(50_000)}1]\n%description\n`],
  ["deep braces", `${head}${"%{?x:".repeat(20_000)}${"}".repeat(20_000)}\n%description\n`],
  ["braces without end", `${head}${"%{a\n".repeat(20_000)}`],
  ["deep conditions", `${head}${"%if 1\n".repeat(20_000)}%description\n`],
  ["deep rich dependencies", `${head}Requires: ${"(a or ".repeat(20_000)}\n%description\n`],
  ["doubling", `%define a xx\n${"%global a %a%a\n".repeat(60)}${head}%description\n`],
  ["a Lua loop", `%{lua: while true do end}\n${head}%description\n`],
  ["a Lua loop that catches", `%{lua: while true do pcall(error) end}\n${head}%description\n`],
  ["a Lua string", `%{lua: s = "x" while true do s = s .. s end}\n${head}%description\n`],
  [
    "a Lua pattern",
    `%{lua: return ("a"):rep(30):find(("a*"):rep(30) .. "b")}\n${head}%description\n`,
  ],
  ["Lua calls without end", `%{lua: function f() return 1 + f() end f()}\n${head}%description\n`],
  [
    "Lua and macros in turns",
    `%define a() %{lua:print(rpm.expand("%a"))}\n%a\n${head}%description\n`,
  ],
  ["expressions and macros in turns", `%define a %["%a"]\n%a\n${head}%description\n`],
  [
    "a shell of itself",
    `%(echo ${"$(echo ".repeat(500)}${")".repeat(500)})\n${head}%description\n`,
  ],
  ["zero bytes", `${head}\0\0%{\0}\n%description\n\0`],
  ["many sources", `${head}${"Source: a\n".repeat(5_000)}%description\n`],
  ["a long line", `${head}# ${"x".repeat(4_000_000)}\n%description\n`],
  ["a line that is too long", `${head}Requires: ${"a, ".repeat(7_000_000)}\n%description\n`],
  ["more lines than any spec has", `${head}%description\n${"a\n".repeat(1_000_000)}`],
  ["a line of a million lines", `${head}%description\n${"a\\\n".repeat(1_000_000)}`],
  ["a shell that doubles", `%(x=aa; ${"x=$x$x; ".repeat(2000)}echo $x)\n${head}%description\n`],
  ["a shell that evaluates itself", `%(x='eval "$x"'; eval "$x")\n${head}%description\n`],
  [
    "a pattern that backtracks",
    `%(echo ${"a".repeat(3000)} | sed -E 's/a*a*a*a*a*b//')\n${head}%description\n`,
  ],
];

describe("a hostile spec", () => {
  it.each(attacks)("ends in time: %s", { timeout: 30_000 }, (_name, spec) => {
    const start = performance.now();
    const tree = parseSpec(spec);
    expect(printSpecText(tree)).toBe(spec);
    expect(evaluate(spec).diagnostics.length).toBeLessThanOrEqual(1000);
    // The bar is 2 s; a busy machine gets more.
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it("is an error, with its place, when it is too long", () => {
    const { accepted, diagnostics } = evaluate(`${head}%description\n${"a\n".repeat(500_000)}`);
    expect(accepted).toBe(false);
    expect(diagnostics).toMatchObject([{ code: "spec-too-long", place: { line: 400_000 } }]);
  });

  it("may be any that is known, damaged anywhere", () => {
    const change = fc.record({
      kind: fc.constantFrom("cut", "double", "swap", "put"),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(30),
      text: fc.constantFrom(
        "%",
        "{",
        "}",
        "(",
        ")",
        "\\\n",
        "\n",
        "%if",
        "%endif\n",
        "\0",
        "é",
        '"',
      ),
    });
    fc.assert(
      fc.property(
        fc.nat(rules.length - 1),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        (index, changes) => {
          const spec = changes.reduce((text, { kind, at, length, text: put }) => {
            const start = Math.floor(at * text.length);
            const before = text.slice(0, start);
            const part = text.slice(start, start + length);
            const after = text.slice(start + length);
            if (kind === "cut") return before + after;
            if (kind === "double") return before + part + part + after;
            return kind === "swap" ? part + before + after : before + put + part + after;
          }, rules[index]?.spec ?? "");
          expect(printSpecText(parseSpec(spec))).toBe(spec);
          const { diagnostics, expandedText } = evaluate(spec);
          expect(typeof expandedText).toBe("string");
          for (const { code, place } of diagnostics) {
            expect(code).toMatch(/^[a-z][a-z0-9-]+$/);
            expect(place.line).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 500, seed: 5 },
    );
  });

  it("never fails but by a diagnostic", () => {
    const piece = fc.constantFrom(
      ...[
        "%if ",
        "%else\n",
        "%endif\n",
        "%{",
        "}",
        "%(",
        ")",
        "%[",
        "]",
        "\\\n",
        "\n",
        " ",
        "%define a ",
      ],
      ...[
        "%global b ",
        "%a",
        "%b",
        "%{a:",
        "%{?a",
        "%{!?b:",
        "%{lua:",
        "print(1)",
        "%{expand:",
        "%%",
        "%",
      ],
      ...[
        "%package x\n",
        "%files\n",
        "%prep\n",
        "%setup -q\n",
        "%patch -P 1\n",
        "%description\n",
        "1",
        '"',
      ],
      ...[
        "Requires: ",
        "(a or b)",
        ">= 1",
        "Name: x\n",
        "BuildArch: noarch\n",
        "%include /x\n",
        "-n ",
        "\0",
      ],
      ...[
        "%triggerin -- a\n",
        "%changelog\n* ",
        "Source: a\n",
        "%undefine a\n",
        "%bcond x 1\n",
        "é",
        "\r\n",
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join("");
        expect(printSpecText(parseSpec(text))).toBe(text);
        expect(typeof evaluate(text).expandedText).toBe("string");
        expect(typeof evaluate(`${head}${text}`).accepted).toBe("boolean");
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});

import { expect, test } from "vitest";
import { xmlAttribute, xmlAttributes, xmlText } from "./xml.ts";

test("text is escaped, and what XML cannot hold is left out", () => {
  expect(xmlText("a < b && c > d\u0007\n\ttab\r")).toBe("a &lt; b &amp;&amp; c &gt; d\n\ttab&#13;");
});

test("an attribute keeps its line breaks", () => {
  expect(xmlAttribute('"a"\n<b>')).toBe('"&quot;a&quot;&#10;&lt;b&gt;"');
});

test("undefined attributes are left out", () => {
  expect(xmlAttributes({ name: "a", flags: undefined, pre: 1 })).toBe(' name="a" pre="1"');
});

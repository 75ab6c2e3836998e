import { expect, test } from "vitest";
import { type RequestOrigin, SignaturePairs } from "./signature-pairs.ts";

function pairs(): { pairs: SignaturePairs; wait: (ms: number) => void } {
  let nowMs = 0;
  return { pairs: new SignaturePairs(() => nowMs), wait: (ms) => (nowMs += ms) };
}

/** A client that makes a new connection for each request, as libdnf does. */
function origin(agent: string, connection: object = {}): RequestOrigin {
  return { address: "10.0.0.1", agent, connection };
}

test("the signature comes from the generation whose metadata the client got", () => {
  const { pairs: one } = pairs();
  expect(one.metadata(origin("libdnf"), "old")).toBe("old");
  expect(one.signatures(origin("libdnf"), "new")).toEqual(["old"]);
  expect(one.metadata(origin("libdnf"), "new")).toBe("new");
  expect(one.signatures(origin("libdnf"), "new")).toEqual(["new"]);
});

test("two clients that look alike get the signatures of both generations", () => {
  const { pairs: one, wait } = pairs();
  one.metadata(origin("libdnf"), "old");
  one.metadata(origin("libdnf"), "new");
  expect(one.signatures(origin("libdnf"), "new")).toEqual(["new", "old"]);
  expect(one.signatures(origin("libdnf"), "newer")).toEqual(["new", "old"]);
  wait(1_001);
  one.metadata(origin("libdnf"), "newer");
  expect(one.signatures(origin("libdnf"), "newer")).toEqual(["newer"]);
});

test("a client of another kind gets one signature: that of its connection, or of the first to ask", () => {
  const { pairs: one } = pairs();
  const connection = {};
  one.metadata(origin("curl", connection), "old");
  one.metadata(origin("curl"), "new");
  one.metadata(origin("curl"), "newer");
  expect(one.signatures(origin("curl", connection), "newest")).toEqual(["old"]);
  expect(one.signatures(origin("curl"), "newest")).toEqual(["new"]);
  expect(one.signatures(origin("curl"), "newest")).toEqual(["newer"]);
});

test("what was not followed up within a second was given up", () => {
  const { pairs: one, wait } = pairs();
  one.metadata(origin("curl"), "old");
  wait(1_001);
  one.metadata(origin("curl"), "new");
  expect(one.signatures(origin("curl"), "new")).toEqual(["new"]);
});

test("clients elsewhere do not matter", () => {
  const { pairs: one } = pairs();
  one.metadata(origin("libdnf"), "old");
  const elsewhere = { address: "10.0.0.2", agent: "libdnf", connection: {} };
  expect(one.signatures(elsewhere, "new")).toEqual(["new"]);
});

test("libzypp, which asks for the signature first, gets the metadata that it is for", () => {
  const { pairs: one } = pairs();
  expect(one.signatures(origin("ZYpp 17"), "old")).toEqual(["old"]);
  expect(one.metadata(origin("ZYpp 17"), "new")).toBe("old");
  expect(one.metadata(origin("ZYpp 17"), "new")).toBe("new");
});

test("what was never asked for is forgotten after ten seconds", () => {
  const { pairs: one, wait } = pairs();
  one.metadata(origin("libdnf"), "old");
  wait(10_001);
  expect(one.signatures(origin("libdnf"), "new")).toEqual(["new"]);
});

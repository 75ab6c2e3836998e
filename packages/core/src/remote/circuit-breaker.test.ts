import { beforeEach, expect, test } from "vitest";
import { CircuitBreaker } from "./circuit-breaker.ts";

let now = 0;
let breaker: CircuitBreaker;

beforeEach(() => {
  now = 0;
  breaker = new CircuitBreaker(() => now);
});

test("three failures in a row open it, and it says so once", () => {
  const pauses = [1, 2, 3, 4].map(() => breaker.failed(false));
  expect(pauses).toEqual([undefined, undefined, 60_000, undefined]);
  expect(breaker.isOpen).toBe(true);
});

test("a success between them starts the count anew", () => {
  breaker.failed(false);
  breaker.failed(false);
  breaker.succeeded();
  breaker.failed(false);
  breaker.failed(false);
  expect(breaker.isOpen).toBe(false);
});

test("a final failure opens it at once", () => {
  expect(breaker.failed(true)).toBe(60_000);
  expect(breaker.isOpen).toBe(true);
});

test("after the pause one failure more doubles it, and a success forgets it", () => {
  breaker.failed(true);
  now = 60_000;
  expect(breaker.isOpen).toBe(false);
  expect(breaker.failed(false)).toBe(120_000);
  now = 179_999;
  expect(breaker.isOpen).toBe(true);
  now = 180_000;
  expect(breaker.isOpen).toBe(false);
  breaker.succeeded();
  expect(breaker.failed(false)).toBeUndefined();
  expect(breaker.failed(true)).toBe(60_000);
});

test("the pause never exceeds a quarter of an hour", () => {
  const pauses = Array.from({ length: 8 }, () => {
    now += 24 * 60 * 60_000;
    return breaker.failed(true);
  });
  expect(pauses.at(-1)).toBe(15 * 60_000);
});

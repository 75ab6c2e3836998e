import { expect, test } from "vitest";
import type { Generation } from "./generation.ts";
import { expired } from "./retention.ts";

const now = new Date("2026-01-31T00:00:00Z");

function published(id: string, daysAgo: number): Generation {
  return { id, publishedAt: new Date(now.getTime() - daysAgo * 24 * 3600 * 1000) } as Generation;
}

const generations = [
  published("e", 1),
  published("d", 3),
  published("c", 10),
  published("b", 20),
  published("a", 30),
];
const week = 7 * 24 * 3600 * 1000;

function droppedIds(current: string, number: number, ageMs: number): readonly string[] {
  return expired(generations, current, { generations: number, ageMs }, now).map(({ id }) => id);
}

test("what is among the last few, or young, is kept", () => {
  expect(droppedIds("e", 3, 0)).toEqual(["b", "a"]);
  expect(droppedIds("e", 1, week)).toEqual(["c", "b", "a"]);
  expect(droppedIds("e", 9, 0)).toEqual([]);
});

test("the current generation is kept, however old", () => {
  expect(droppedIds("a", 1, 0)).toEqual(["d", "c", "b"]);
});

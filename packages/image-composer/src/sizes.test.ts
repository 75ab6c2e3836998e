import { expect, test } from "vitest";
import { megabytes, megabytesMore, sizeSchema } from "./sizes.ts";

test.each([
  ["110MiB", 115_343_360],
  ["40 MB", 40_000_000],
  ["1.5GiB", 1_610_612_736],
  ["12B", 12],
  [4096, 4096],
])("%s is %d bytes", (text, bytes) => {
  expect(sizeSchema.parse(text)).toBe(bytes);
});

test.each(["110", "110 megabytes", "-1MB", 0, -5])("%s is not a size", (text) => {
  expect(sizeSchema.safeParse(text).success).toBe(false);
});

test("sizes for people are in megabytes, small ones in kilobytes", () => {
  expect(megabytes(12_345_678)).toBe("12.3 MB");
  expect(megabytes(1234)).toBe("1.2 kB");
  expect(megabytesMore(12_345_678)).toBe("+12.3 MB");
  expect(megabytesMore(-1_000_000)).toBe("-1.0 MB");
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { madeImage, madePackage } from "./built-image-fixture.ts";
import { reportPage } from "./report-image.ts";
import { treemap } from "./treemap.ts";

describe("the treemap", () => {
  test("fills its rectangle in proportion, without overlaps, for any weights", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1 });
    fc.assert(
      fc.property(weights, (values) => {
        const total = values.reduce((sum, value) => sum + value, 0);
        const cells = treemap(values, (value) => value, 100, 60);
        expect(cells).toHaveLength(values.filter((value) => value > 0).length);
        for (const { value, x, y, width, height } of cells) {
          expect(width * height).toBeCloseTo((value / total) * 6000, 3);
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(-1e-6);
          expect(x + width).toBeLessThanOrEqual(100 + 1e-6);
          expect(y + height).toBeLessThanOrEqual(60 + 1e-6);
        }
      }),
    );
  });

  test("big cells are near to squares", () => {
    const cells = treemap([6, 6, 4, 3, 2, 2, 1], (value) => value, 6, 4);
    expect(cells[0]).toEqual({ value: 6, x: 0, y: 0, width: 3, height: 2 });
  });
});

describe("the report", () => {
  test("names image, layers, packages, why they are there, and licences", () => {
    const page = reportPage(madeImage());
    expect(page).toContain("image -&#62; glib2 -&#62; libc6 (libc.so.6()(64bit))");
    expect(page).toContain("LicenseRef-Debian-copyright-file");
    expect(page).toContain("<strong>4.0 MB</strong> unpacked");
  });

  test("loads nothing, runs nothing, and no package can write into it", () => {
    const evil = '<script>alert("x")</script>';
    const page = reportPage(
      madeImage({ packages: [madePackage("evil-1-1.noarch", { summary: evil, license: evil })] }),
    );
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|src=|href=/);
  });
});

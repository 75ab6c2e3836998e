import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "@cleanroom/core";
import { type BuiltImage, buildImage, lockImage, reportImage } from "@cleanroom/image-composer";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { madeRequest, surroundings } from "./image-composer-fixture.ts";
import { specText } from "./repo-publisher-fixture.ts";

/** The report on an image, as a browser shows it. */

let scratch: string;
let output: string;
let image: BuiltImage;

const yaml = `
base: debian-trixie
packages: [seen]
slim: { docs: false, languages: [en_US], files: [/usr/include/**] }
`;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "report-"));
  const here = { ...(await surroundings(scratch)), logger: silentLogger };
  const folder = path.join(scratch, "made");
  await mkdir(folder);
  const spec = specText("seen", { body: "Requires: base-files bash" });
  const request = { ...(await madeRequest(here, folder, { seen: spec }, yaml)), name: "seen" };
  output = path.join(scratch, "output");
  await lockImage(here, request);
  image = await buildImage(here, request, { output });
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

test("the report is a page that a browser shows whole, and that loads nothing", async () => {
  const file = path.join(scratch, "report.html");
  await reportImage(output, file);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`file://${file}`);
    expect(await page.title()).toBe("Image seen");
    // Each package is a cell of the map, with an area, inside the drawing.
    const cells = page.locator("svg.map g.cell");
    const sized = image.packages.filter(({ unpackedBytes }) => unpackedBytes > 0);
    expect(await cells.count()).toBe(sized.length);
    const map = await page.locator("svg.map").boundingBox();
    const area = async (index: number): Promise<number> => {
      const box = await cells.nth(index).locator("rect").boundingBox();
      if (box === null || map === null) throw new Error("a cell is not shown");
      expect(box.x + box.width).toBeLessThanOrEqual(map.x + map.width + 2);
      expect(box.y + box.height).toBeLessThanOrEqual(map.y + map.height + 2);
      return box.width * box.height;
    };
    const areas = await Promise.all(sized.map((_, index) => area(index)));
    const total = areas.reduce((sum, one) => sum + one, 0);
    expect(total / ((map?.width ?? 0) * (map?.height ?? 1))).toBeGreaterThan(0.97);
    for (const name of ["Layers", "What needs what", "Packages", "Licences", "Policy"]) {
      expect(await page.getByRole("heading", { name, exact: true }).isVisible()).toBe(true);
    }
    // Nothing sticks out of the page.
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await page.evaluate(overflow)).toBe(0);
    expect(asked).toEqual([`file://${file}`]);
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
  }
});

import { expect } from "vitest";
import { applications } from "../applications.ts";
import { until } from "../desktop.ts";
import {
  differentCells,
  referenceGrid,
  writeDocumentationPicture,
  writeReferenceGrid,
} from "../picture.ts";
import { notes, panelIsThere, type Scene } from "./scene.ts";

/**
 * What the first screen has to have, each as a function that throws when it does not; so that the
 * same check passes on the image and fails on one that was broken on purpose.
 */

export async function panelShowsEveryApplication(scene: Scene): Promise<void> {
  const { applications: shown, screen, panel, launcherOpen } = await panelIsThere(scene);
  expect(launcherOpen).toBe(true);
  expect(
    shown.map(({ id, name }) => [id, name] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ).toEqual(applications);
  expect(panel).toEqual({ x: 0, y: screen.height - panel.height, width: 1280, height: 44 });
}

/** Every icon is a picture, and not an empty place. */
export async function iconsAreDrawn({ desktop }: Scene): Promise<void> {
  const picture = await desktop.settle();
  for (const { id, place } of (await desktop.panel()).applications) {
    const { x, y, width } = place!;
    const icon = { x: x + width / 2 - 36, y: y + 20, width: 72, height: 72 };
    const colours = await desktop.colours(picture, icon);
    expect(colours, `colours of the icon of ${id}`).toBeGreaterThan(12);
  }
}

/** Compares a picture with its reference: nearly every cell has the colour it should have. */
export async function looksAsItShould({ desktop }: Scene, name: string): Promise<void> {
  const picture = await desktop.screenshot(name);
  const grid = await desktop.grid(picture);
  if (process.env["UPDATE_SCREENSHOTS"] === "1") {
    await writeReferenceGrid(name, grid);
    if (name === "terminal") await writeDocumentationPicture(await desktop.webp(picture));
  }
  const different = differentCells(grid, await referenceGrid(name));
  expect(different.length, `cells of ${name} that differ: ${different.join(" ")}`).toBeLessThan(13);
}

/** What the fonts have to have. */
const scripts: Readonly<Record<string, string>> = {
  Latin: "ABCXYZ abcxyz 0123 ÄÖÜß éèêç ñ ąćęłńóśźż šžč ğış ŵŷ ðþæø — “„”… €",
  Greek: "ΑΒΓΔΩ αβγδω άέήίόύώ ΐΰ ϊϋ ς ἀᾷῥ",
  Cyrillic: "АБВЮЯ абвюя ёйъыьэ ґєії ђћљњџ ўќѓ",
};

/** Asks the library that draws the text, in the container. */
const unknownGlyphs = `
imports.gi.versions.Pango = "1.0";
const { Pango, PangoCairo } = imports.gi;
const texts = JSON.parse(ARGV[0]);
const context = PangoCairo.FontMap.get_default().create_context();
for (const font of ["Sans 10", "Sans Bold 10", "Monospace 11", "Monospace Bold 11", "Cantarell 11"]) {
  for (const [script, text] of Object.entries(texts)) {
    const layout = Pango.Layout.new(context);
    layout.set_font_description(Pango.FontDescription.from_string(font));
    layout.set_text(text, -1);
    const unknown = layout.get_unknown_glyphs_count();
    if (unknown > 0) print(font + ", " + script + ": " + unknown + " glyphs are missing");
  }
}
print("done");
`;

export async function fontsHaveEveryLetter({ container }: Pick<Scene, "container">): Promise<void> {
  const answer = await container.exec(["gjs", "-c", unknownGlyphs, JSON.stringify(scripts)]);
  expect(answer.trim(), `what the fonts lack: ${answer}`).toBe("done");
}

/** By name and description; Enter starts what was found. */
export async function searchFindsAndStarts({ desktop }: Scene): Promise<void> {
  await desktop.type("starts at once");
  await until("one application is left", async () => {
    const { applications: found } = await desktop.panel();
    return found.length === 1 && found[0]?.id === notes;
  });
  await desktop.press("Enter");
  await until("it shows its window", async () => (await desktop.applicationWindows()).length > 0);
  expect((await desktop.panel()).programs.map(({ application }) => application)).toEqual([notes]);
  await desktop.closeAll();
}

export async function launchesByClick({ desktop }: Scene): Promise<void> {
  // At leisure; all others click in haste.
  const program = await desktop.launch(notes, 1000);
  expect(program.name).toBe("L3afpad");
  await desktop.closeAll();
}

/** The container's own time, to the minute. */
export async function clockShowsTheTime({ container, desktop }: Scene): Promise<void> {
  await until("the clock shows the time", async () => {
    const { clock } = await desktop.panel();
    return clock === (await container.exec(["date", "+%a %e %b   %H:%M"])).trimEnd();
  });
}

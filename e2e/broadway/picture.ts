import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

/** Red, green, blue; 0 to 255. */
export type Colour = readonly [number, number, number];

/** Cells of 40 by 40 pixels on the screen of the tests. */
export const gridColumns = 32;
export const gridRows = 20;

const references = path.join(import.meta.dirname, "references");

/** A channel of a cell may be so far from the reference: text is drawn a little differently. */
const tolerance = 12;

/** What a picture of the screen should be like, as text: a line of colours for each row of cells. */
export async function referenceGrid(name: string): Promise<readonly (readonly Colour[])[]> {
  const text = await readFile(path.join(references, `${name}.txt`), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(colourOf));
}

export async function writeReferenceGrid(
  name: string,
  grid: readonly (readonly Colour[])[],
): Promise<void> {
  const text = grid.map((row) => `${row.map(hexOf).join(" ")}\n`).join("");
  await writeFile(path.join(references, `${name}.txt`), text);
}

/** The picture in README and docs/. */
export async function writeDocumentationPicture(webp: Buffer): Promise<void> {
  await writeFile(path.resolve(import.meta.dirname, "../../docs/broadway.webp"), webp);
}

/**
 * The cells in which two grids differ visibly, as `row,column`; the clock's are left out. Grids of
 * different sizes differ everywhere.
 */
export function differentCells(
  grid: readonly (readonly Colour[])[],
  reference: readonly (readonly Colour[])[],
): string[] {
  return grid.flatMap((row, y) =>
    row.flatMap((colour, x) => {
      if (y === gridRows - 1 && x >= gridColumns - 5) return [];
      const other = reference[y]?.[x];
      const differs =
        other === undefined ||
        colour.some((channel, index) => Math.abs(channel - other[index]!) > tolerance);
      return differs ? [`${y},${x}`] : [];
    }),
  );
}

function colourOf(hex: string): Colour {
  const value = Number.parseInt(hex, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function hexOf(colour: Colour): string {
  return colour.map((channel) => channel.toString(16).padStart(2, "0")).join("");
}

/** What of a browser the functions below use; its own types clash with those of Node.js. */
declare const Image: new () => {
  src: string;
  readonly width: number;
  readonly height: number;
  decode(): Promise<void>;
};
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(kind: "2d"): {
    drawImage(image: object, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): Pixels;
  };
  convertToBlob(options: { type: string; quality: number }): Promise<Blob>;
};
interface Pixels {
  readonly data: Uint8ClampedArray;
}

/** Runs in the browser: the average colour of each cell. */
export async function averageColours([base64, columns, rows]: readonly [
  string,
  number,
  number,
]): Promise<[number, number, number][][]> {
  const picture = new Image();
  picture.src = `data:image/png;base64,${base64}`;
  await picture.decode();
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const width = Math.floor(picture.width / columns);
  const height = Math.floor(picture.height / rows);
  return Array.from({ length: rows }, (_row, y) =>
    Array.from({ length: columns }, (_cell, x) => {
      const { data } = context.getImageData(x * width, y * height, width, height);
      const sums: [number, number, number] = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) {
        for (let channel = 0; channel < 3; channel += 1) sums[channel]! += data[i + channel]!;
      }
      const pixels = data.length / 4;
      return sums.map((sum) => Math.round(sum / pixels)) as [number, number, number];
    }),
  );
}

/**
 * Runs in the browser: how many different colours a part of the picture has, where a few shades of
 * one colour, as of the background, are one.
 */
export async function countColours([base64, { x, y, width, height }]: readonly [
  string,
  { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
]): Promise<number> {
  const picture = new Image();
  picture.src = `data:image/png;base64,${base64}`;
  await picture.decode();
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(x, y, width, height);
  const shades = data.map((value) => value >> 5);
  return new Set(new Uint32Array(shades.buffer)).size;
}

/** Runs in the browser: the picture as a small WebP file, in base64. */
export async function encodeWebp(base64: string): Promise<string> {
  const picture = new Image();
  picture.src = `data:image/png;base64,${base64}`;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.85 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(""));
}

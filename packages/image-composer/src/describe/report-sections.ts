import type { BuiltImage, BuiltPackage } from "./image-record.ts";
import { sourceNameOf } from "../lock/layer-plan.ts";
import { splitNevra } from "../lock/lock-file.ts";
import { megabytes } from "../sizes.ts";
import { treemap } from "./treemap.ts";

/** Text for HTML, in element content and quoted attributes alike. */
export function html(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.codePointAt(0)};`);
}

/** A table; cells are HTML already. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${html(text)}</th>`).join("");
  const body = rows
    .map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`)
    .join("\n");
  return `<table><thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table>`;
}

const mapWidth = 1000;
const mapHeight = 460;

/** Packages as cells in proportion to what they bring, coloured by where they come from. */
export function sizeTreemap(image: BuiltImage): string {
  const repositories = [...new Set(image.packages.map(({ repository }) => repository))].toSorted();
  const cells = treemap(image.packages, (one) => one.unpackedBytes, mapWidth, mapHeight);
  const shapes = cells.map(({ value, x, y, width, height }) => {
    const kind = repositories.indexOf(value.repository) % 4;
    const size = megabytes(value.unpackedBytes);
    const box = [x, y, width, height].map((number) => number.toFixed(1));
    const label =
      width > value.name.length * 7 + 8 && height > 34
        ? `<text x="${(x + 5).toFixed(1)}" y="${(y + 16).toFixed(1)}">${html(value.name)}</text>` +
          `<text class="small" x="${(x + 5).toFixed(1)}" y="${(y + 30).toFixed(1)}">${size}</text>`
        : "";
    return `<g class="cell k${kind}"><title>${html(value.nevra)}: ${size} (${html(value.repository)})</title><rect x="${box[0]}" y="${box[1]}" width="${box[2]}" height="${box[3]}"/>${label}</g>`;
  });
  const legend = repositories.map(
    (name, index) => `<span class="key k${index % 4}"></span> ${html(name)}`,
  );
  return `<svg class="map" viewBox="0 0 ${mapWidth} ${mapHeight}" role="img" aria-label="Packages by size">${shapes.join("\n")}</svg>\n<p>${legend.join(" &#160; ")}</p>`;
}

/** Columns by distance from the image; a line for each package that needs another. */
export function dependencyDrawing(image: BuiltImage): string {
  const distance = new Map(image.wanted.map((need) => [need.package, 0]));
  const needs = new Map(image.packages.map((one) => [one.nevra, one.needs]));
  for (const [nevra, steps] of distance) {
    for (const need of needs.get(nevra) ?? []) {
      if (!distance.has(need.package)) distance.set(need.package, steps + 1);
    }
  }
  const columns: string[][] = [];
  for (const { nevra } of image.packages) (columns[distance.get(nevra) ?? 0] ??= []).push(nevra);
  const place = new Map<string, { x: number; y: number }>();
  for (const [column, nevras] of columns.entries()) {
    for (const [row, nevra] of (nevras ?? []).entries()) {
      place.set(nevra, { x: column * 210 + 10, y: row * 22 + 18 });
    }
  }
  const lines = image.packages.flatMap(({ nevra, needs: list }) =>
    list.flatMap((need) => {
      const [from, to] = [place.get(nevra), place.get(need.package)];
      if (from === undefined || to === undefined) return [];
      const ends = `${from.x + 150} ${from.y - 4} C ${from.x + 185} ${from.y - 4}, ${to.x - 35} ${to.y - 4}, ${to.x - 4} ${to.y - 4}`;
      const what = `${splitNevra(nevra).name} needs ${need.capability}`;
      return [`<path d="M ${ends}"><title>${html(what)}</title></path>`];
    }),
  );
  const names = [...place].map(
    ([nevra, { x, y }]) => `<text x="${x}" y="${y}">${html(splitNevra(nevra).name)}</text>`,
  );
  const height = Math.max(1, ...columns.map((column) => (column ?? []).length)) * 22 + 10;
  return `<svg class="graph" viewBox="0 0 ${columns.length * 210} ${height}" role="img" aria-label="What needs what">${lines.join("")}${names.join("")}</svg>`;
}

export function layerTable(image: BuiltImage): string {
  return table(
    ["Layer", "Holds", "Files", "Unpacked", "Compressed"],
    image.layers.map((layer) => [
      `<code>${html(layer.digest.slice(7, 19))}</code>`,
      layer.sources.length === 0 ? "<em>state</em>" : html(layer.sources.join(" ")),
      String(layer.files),
      megabytes(layer.unpackedBytes),
      megabytes(layer.compressedBytes),
    ]),
  );
}

export function licenseTable(image: BuiltImage): string {
  const groups = new Map<string, BuiltPackage[]>();
  for (const one of image.packages) {
    groups.set(one.license, [...(groups.get(one.license) ?? []), one]);
  }
  return table(
    ["Licence", "Packages"],
    [...groups]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([license, packages]) => [
        html(license),
        html([...new Set(packages.map((one) => sourceNameOf(one.sourceRpm)))].join(" ")),
      ]),
  );
}

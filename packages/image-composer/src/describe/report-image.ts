import { writeFileAtomic } from "@cleanroom/core";
import { type BuiltImage, inspectImage } from "./image-record.ts";
import {
  dependencyDrawing,
  html,
  layerTable,
  licenseTable,
  sizeTreemap,
  table,
} from "./report-sections.ts";
import { megabytes } from "../sizes.ts";
import { whyInImage } from "./why.ts";

/**
 * Writes a page about a built image: where its bytes are, its layers, what needs what, licences.
 * One file, without scripts, that loads nothing.
 *
 * @param folder the image's output folder
 * @throws {CleanroomError} `image-missing`
 */
export async function reportImage(folder: string, file: string): Promise<BuiltImage> {
  const image = await inspectImage(folder);
  await writeFileAtomic(file, reportPage(image));
  return image;
}

const style = `
:root { color-scheme: light dark; --k0: #3b7dd8; --k1: #d8803b; --k2: #5aa469; --k3: #a05ab4 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1040px; margin: 2rem auto; padding: 0 1rem }
code { font-size: 0.9em; overflow-wrap: anywhere }
td:nth-child(2) { min-width: 4.5em }
table { border-collapse: collapse; width: 100%; font-size: 0.92em }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid #8885 }
svg { width: 100%; height: auto }
svg text { font: 12px system-ui, sans-serif; fill: CanvasText }
.map rect { stroke: Canvas; stroke-width: 1.5 }
.map text { fill: #fff } .map .small { font-size: 11px }
.k0 rect { fill: var(--k0) } .k1 rect { fill: var(--k1) } .k2 rect { fill: var(--k2) } .k3 rect { fill: var(--k3) }
.key { display: inline-block; width: 0.9em; height: 0.9em }
.key.k0 { background: var(--k0) } .key.k1 { background: var(--k1) } .key.k2 { background: var(--k2) } .key.k3 { background: var(--k3) }
.graph path { fill: none; stroke: #888; stroke-width: 0.7; opacity: 0.6 } .graph path:hover { stroke: var(--k1); stroke-width: 2 }
`;

/** The page for an image; the same image gives the same page. */
export function reportPage(image: BuiltImage): string {
  const removedBytes = image.removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const packages = image.packages.toSorted((a, b) => b.unpackedBytes - a.unpackedBytes);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Image ${html(image.name)}</title><style>${style}</style></head><body>
<h1>Image ${html(image.name)}</h1>
<p><code>${html(image.digest)}</code></p>
<p><strong>${megabytes(image.unpackedBytes)}</strong> unpacked, <strong>${megabytes(image.compressedBytes)}</strong> compressed: ${image.packages.length} packages in ${image.layers.length} layers, for ${html(image.arch)}. Slimming left out ${image.removed.length} files, ${megabytes(removedBytes)}.</p>
<h2>Where the bytes are</h2>
${sizeTreemap(image)}
<h2>Layers</h2>
${layerTable(image)}
<h2>What needs what</h2>
${dependencyDrawing(image)}
<h2>Packages</h2>
${table(
  ["Package", "Size", "Why it is here", "Source"],
  packages.map((one) => [
    `<strong>${html(one.nevra)}</strong><br>${html(one.summary)}`,
    megabytes(one.unpackedBytes),
    html(whyInImage(image, [], one.nevra)[0]?.chain ?? ""),
    `${html(one.sourceRpm)}<br>${html(one.repository)}`,
  ]),
)}
<h2>Policy</h2>
<p>The image keeps all of these: one that does not is never built.</p>
<ul>${image.policy.map((rule) => `<li>${html(rule)}</li>`).join("\n")}</ul>
<h2>Licences</h2>
${licenseTable(image)}
</body></html>
`;
}

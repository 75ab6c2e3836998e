/** An entry of a layer's archive, as far as stacking needs to know it. */
export interface LayerEntry {
  /** Below the image's root, without slashes at either end. */
  readonly path: string;
  readonly type: "directory" | "file" | "link" | "other";
  readonly sizeBytes: number;
  /** Path of the file that a hard link is another name of. */
  readonly linkTarget?: string;
}

/** A file of a lower layer that an upper layer deletes or replaces: it is pulled and never seen. */
export interface HiddenFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Index of the layer that holds it. */
  readonly layer: number;
  /** Index of the layer that hides it. */
  readonly by: number;
  readonly how: "deleted" | "overwritten";
}

/** What is left of stacked layers. */
export interface StackedLayers {
  /** For each layer, for each of its entries in order: what becomes of it. */
  readonly fates: readonly (readonly Fate[])[];
  readonly hidden: readonly HiddenFile[];
}

/**
 * `keep`: it is seen as it is. `drop`: it is not seen. An object: a file whose own name is hidden
 * and whose other name (a hard link) is not takes that name; a link to it points there.
 */
export type Fate = "keep" | "drop" | { readonly path: string } | { readonly linkTarget: string };

const whiteoutPrefix = ".wh.";
const opaqueName = ".wh..wh..opq";

interface Place {
  readonly layer: number;
  readonly index: number;
}

/**
 * Stacks layers as an engine does (OCI image specification 1.1, layer.md, "Applying Changesets"):
 * entries replace those of lower layers, whiteouts delete them, and anything that is no directory
 * hides what was below its path.
 */
export function stackLayers(layers: readonly (readonly LayerEntry[])[]): StackedLayers {
  const seen = new Map<string, Place>();
  const children = new Map<string, Set<string>>();
  const gone = new Map<LayerEntry, { by: number; how: HiddenFile["how"] }>();
  const linkSources = new Map<LayerEntry, Place | undefined>();
  const at = ({ layer, index }: Place): LayerEntry => layers[layer]?.[index] as LayerEntry;
  const remove = (path: string, by: number, how: HiddenFile["how"], below: number): void => {
    for (const child of children.get(path) ?? []) remove(child, by, how, below);
    const place = seen.get(path);
    if (place === undefined || place.layer >= below) return;
    gone.set(at(place), { by, how });
    seen.delete(path);
    // What still has something below it can be reached through its parent.
    if ((children.get(path)?.size ?? 0) === 0) children.get(parentOf(path))?.delete(path);
  };
  const add = (path: string, place: Place): void => {
    seen.set(path, place);
    for (let up = path; up !== ""; up = parentOf(up)) {
      const parent = parentOf(up);
      const known = children.get(parent) ?? new Set();
      if (known.has(up)) break;
      known.add(up);
      children.set(parent, known);
    }
  };
  for (const [layer, entries] of layers.entries()) {
    // Whiteouts are about the layers below, wherever in its archive a layer has them.
    for (const { path } of entries) {
      const name = nameOf(path);
      const folder = parentOf(path);
      if (name === opaqueName) {
        for (const child of children.get(folder) ?? []) remove(child, layer, "deleted", layer);
      } else if (name.startsWith(whiteoutPrefix)) {
        const deleted = name.slice(whiteoutPrefix.length);
        remove(folder === "" ? deleted : `${folder}/${deleted}`, layer, "deleted", layer);
      }
    }
    for (const [index, entry] of entries.entries()) {
      const { path, type, linkTarget } = entry;
      if (nameOf(path).startsWith(whiteoutPrefix)) continue;
      const before = seen.get(path);
      if (type === "link")
        linkSources.set(entry, sourceOf(linkTarget ?? "", seen, linkSources, at));
      // Engines unpack entries one after the other: a file takes the place of a directory with all
      // that is in it, and a file on the way to an entry gives way to a directory.
      if (type !== "directory") {
        for (const child of children.get(path) ?? []) {
          remove(child, layer, "overwritten", layer + 1);
        }
      }
      for (let up = parentOf(path); up !== ""; up = parentOf(up)) {
        const above = seen.get(up);
        if (above === undefined || at(above).type === "directory") continue;
        gone.set(at(above), { by: layer, how: "overwritten" });
        seen.delete(up);
      }
      if (before !== undefined) gone.set(at(before), { by: layer, how: "overwritten" });
      add(path, { layer, index });
    }
  }
  return {
    fates: fatesOf(layers, seen, linkSources),
    hidden: layers.flatMap((entries, layer) =>
      entries.flatMap((entry) => {
        const end = gone.get(entry);
        if (end === undefined || entry.type === "directory" || end.by === layer) return [];
        const { path, sizeBytes } = entry;
        return [{ path, sizeBytes, layer, ...end }];
      }),
    ),
  };
}

/** The entry that has the bytes of a link's target at this moment, through other links if need be. */
function sourceOf(
  target: string,
  seen: ReadonlyMap<string, Place>,
  linkSources: ReadonlyMap<LayerEntry, Place | undefined>,
  at: (place: Place) => LayerEntry,
): Place | undefined {
  const place = seen.get(target);
  if (place === undefined) return undefined;
  const entry = at(place);
  return entry.type === "link" ? linkSources.get(entry) : place;
}

function fatesOf(
  layers: readonly (readonly LayerEntry[])[],
  seen: ReadonlyMap<string, Place>,
  linkSources: ReadonlyMap<LayerEntry, Place | undefined>,
): readonly (readonly Fate[])[] {
  const isSeen = (layer: number, index: number, { path }: LayerEntry): boolean => {
    const place = seen.get(path);
    return place?.layer === layer && place.index === index;
  };
  // Where the bytes of a file end up: under its own name, or under its first link's that is seen.
  const homes = new Map<string, string>();
  const key = ({ layer, index }: Place): string => `${layer} ${index}`;
  for (const [layer, entries] of layers.entries()) {
    for (const [index, entry] of entries.entries()) {
      if (!isSeen(layer, index, entry)) continue;
      if (entry.type === "file") homes.set(key({ layer, index }), entry.path);
      if (entry.type !== "link") continue;
      const source = linkSources.get(entry);
      if (source !== undefined && !homes.has(key(source))) homes.set(key(source), entry.path);
    }
  }
  return layers.map((entries, layer) =>
    entries.map((entry, index): Fate => {
      if (entry.type === "file") {
        const home = homes.get(key({ layer, index }));
        if (home === undefined) return "drop";
        return home === entry.path && isSeen(layer, index, entry) ? "keep" : { path: home };
      }
      if (!isSeen(layer, index, entry)) return "drop";
      if (entry.type !== "link") return "keep";
      const source = linkSources.get(entry);
      const home = source === undefined ? undefined : homes.get(key(source));
      // It became the file itself.
      if (home === undefined || home === entry.path) return "drop";
      return { linkTarget: home };
    }),
  );
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

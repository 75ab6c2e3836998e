/** The packages of one source package: what changes together. */
export interface SourceGroup {
  /** Name of the source package, without version. */
  readonly source: string;
  /** Built here, not from the base: changes more often. */
  readonly own: boolean;
  readonly sizeBytes: number;
}

/** Source packages that share a layer, sorted by name. */
export type PlannedLayer = readonly string[];

/** How much more often a package that is built here changes than one of the base. */
const ownWeight = 4;

/**
 * Divides source packages among layers: the big and the often-changing ones alone, the others
 * together, packages of the base never with our own while there is room. Layers of the image
 * before keep their packages, so that a client that has it pulls only what changed.
 *
 * @param slots layers at most, without the state layer; at least 1
 * @param previous layers of the image before, as this function gave them
 * @returns base layers first; each source package in exactly one layer
 */
export function planLayers(
  groups: readonly SourceGroup[],
  slots: number,
  previous: readonly PlannedLayer[] = [],
): readonly PlannedLayer[] {
  const bySource = new Map(groups.map((group) => [group.source, group]));
  const kept = previous
    .map((sources) => sources.filter((source) => bySource.has(source)))
    .filter((sources) => sources.length > 0);
  // A smaller budget than before is a new division.
  const layers: string[][] = kept.length <= slots ? kept : [];
  const placed = new Set(layers.flat());
  const waiting = groups.filter(({ source }) => !placed.has(source)).toSorted(heavierFirst);
  const sharedKinds = new Set(waiting.map(({ own }) => own)).size;
  const room = slots - layers.length;
  const alone = waiting.length <= room ? room : Math.max(0, room - sharedKinds);
  for (const { source } of waiting.slice(0, alone)) layers.push([source]);
  const shared = new Map<boolean, string[]>();
  for (const group of waiting.slice(alone)) {
    let target = shared.get(group.own);
    if (target === undefined) {
      target = layers.length < slots ? [] : lightest(layers, bySource, group.own);
      if (target.length === 0) layers.push(target);
      shared.set(group.own, target);
    }
    target.push(group.source);
  }
  const isOwn = (layer: PlannedLayer): boolean =>
    layer.some((source) => bySource.get(source)?.own === true);
  return layers
    .map((layer) => layer.toSorted(byText))
    .toSorted((a, b) => Number(isOwn(a)) - Number(isOwn(b)) || byText(a[0] ?? "", b[0] ?? ""));
}

function weight({ own, sizeBytes }: SourceGroup): number {
  return own ? sizeBytes * ownWeight : sizeBytes;
}

function heavierFirst(a: SourceGroup, b: SourceGroup): number {
  return weight(b) - weight(a) || byText(a.source, b.source);
}

/** The layer that suffers least from one package more: of the same kind if there is one. */
function lightest(
  layers: readonly string[][],
  bySource: ReadonlyMap<string, SourceGroup>,
  own: boolean,
): string[] {
  const sum = (layer: readonly string[]): number =>
    layer.reduce((total, source) => total + (bySource.get(source)?.sizeBytes ?? 0), 0);
  const sameKind = layers.filter((layer) =>
    layer.every((source) => bySource.get(source)?.own === own),
  );
  const [first] = (sameKind.length > 0 ? sameKind : layers).toSorted((a, b) => sum(a) - sum(b));
  if (first === undefined) throw new RangeError("there must be room for one layer");
  return first;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `glib2` of `glib2-2.84.4-1.src.rpm`. */
export function sourceNameOf(sourceRpm: string): string {
  return /^(.+)-[^-]+-[^-]+\.[^.]+\.rpm$/.exec(sourceRpm)?.[1] ?? sourceRpm;
}

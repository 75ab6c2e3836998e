/** A rectangle of a treemap. */
export interface TreemapCell<Value> {
  readonly value: Value;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Divides a rectangle among values in proportion to their weights, with cells near to squares
 * (Bruls, Huizing, van Wijk: "Squarified Treemaps"). Values without weight get no cell.
 */
export function treemap<Value>(
  values: readonly Value[],
  weightOf: (value: Value) => number,
  width: number,
  height: number,
): readonly TreemapCell<Value>[] {
  const weighted = values
    .map((value) => ({ value, weight: weightOf(value) }))
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const cells: TreemapCell<Value>[] = [];
  let [x, y, w, h] = [0, 0, width, height];
  const perWeight = (width * height) / total;
  for (let start = 0; start < weighted.length;) {
    const side = Math.min(w, h);
    let end = start + 1;
    let worst = worstRatio(weighted.slice(start, end), perWeight, side);
    while (end < weighted.length) {
      const next = worstRatio(weighted.slice(start, end + 1), perWeight, side);
      if (next > worst) break;
      worst = next;
      end += 1;
    }
    const row = weighted.slice(start, end);
    const area = row.reduce((sum, { weight }) => sum + weight, 0) * perWeight;
    const depth = area / side;
    let along = 0;
    for (const { value, weight } of row) {
      const length = (weight * perWeight) / depth;
      cells.push(
        w >= h
          ? { value, x, y: y + along, width: depth, height: length }
          : { value, x: x + along, y, width: length, height: depth },
      );
      along += length;
    }
    if (w >= h) [x, w] = [x + depth, w - depth];
    else [y, h] = [y + depth, h - depth];
    start = end;
  }
  return cells;
}

/** How far the worst cell of a row is from a square: 1 is one. */
function worstRatio(
  row: readonly { readonly weight: number }[],
  perWeight: number,
  side: number,
): number {
  const areas = row.map(({ weight }) => weight * perWeight);
  const sum = areas.reduce((total, area) => total + area, 0);
  return Math.max(
    ...areas.map((area) => Math.max((side ** 2 * area) / sum ** 2, sum ** 2 / (side ** 2 * area))),
  );
}

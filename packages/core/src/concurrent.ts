/**
 * Maps values with at most `limit` calls under way, in order of the values. The first failure
 * ends the map: calls under way are awaited, none is started after it.
 */
export async function mapConcurrent<Value, Result>(
  values: readonly Value[],
  limit: number,
  work: (value: Value, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = Array.from({ length: values.length });
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (failures.length === 0 && next < values.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(values[index] as Value, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

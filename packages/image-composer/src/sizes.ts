import { z } from "zod";

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** A size in image.yaml, such as `110MiB` or `40 MB`; a number alone is bytes. Parsed to bytes. */
export const sizeSchema = z.union([
  z.int().positive(),
  z
    .string()
    .regex(/^\d+(\.\d+)? ?(B|[kK]B|MB|GB|KiB|MiB|GiB)$/, "expected a size such as 110MiB or 40MB")
    .transform((text) => {
      const [, amount, unit] = /^([\d.]+) ?(\w+)$/.exec(text) ?? [];
      return Math.floor(Number(amount) * (unitBytes[unit ?? ""] ?? 1));
    }),
]);

/** Bytes as megabytes (10^6), for people: `12.3 MB`; below a tenth of one in kilobytes. */
export function megabytes(bytes: number): string {
  return Math.abs(bytes) < 1e5
    ? `${(bytes / 1e3).toFixed(1)} kB`
    : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** {@link megabytes} of a difference: `+1.2 MB`. */
export function megabytesMore(bytes: number): string {
  return `${bytes < 0 ? "" : "+"}${megabytes(bytes)}`;
}

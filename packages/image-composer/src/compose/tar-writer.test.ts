import { Readable } from "node:stream";
import * as fc from "fast-check";
import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { tarEnd, type TarEntry, tarHeader, tarPadding } from "./tar-writer.ts";

interface Read {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly linkname: string | undefined;
  readonly mtime: number;
  readonly content: string;
}

/** What an independent reader makes of an archive. */
async function read(...parts: readonly Uint8Array[]): Promise<Read[]> {
  const entries: Read[] = [];
  for await (const entry of Readable.from([Buffer.concat([...parts, tarEnd])]).pipe(extract())) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, mode, gid, size, linkname } = entry.header;
    // tar-stream leaves numbers of extended headers to its caller.
    const pax = (entry.header.pax ?? {}) as Record<string, string>;
    const uid = Number(pax["uid"] ?? entry.header.uid);
    const mtime = Number(pax["mtime"] ?? (entry.header.mtime?.getTime() ?? 0) / 1000);
    entries.push({
      ...{ name, type: type ?? "", mode: mode ?? 0, uid, gid: gid ?? 0, size: size ?? 0 },
      linkname: linkname ?? undefined,
      mtime,
      content: Buffer.concat(chunks).toString(),
    });
  }
  return entries;
}

const file = (change: Partial<TarEntry> = {}): TarEntry => ({
  path: "usr/bin/gio",
  type: "file",
  mode: 0o4755,
  uid: 1000,
  gid: 50,
  sizeBytes: 5,
  mtimeSeconds: 1_700_000_000,
  ...change,
});

test("a file, a directory, a symbolic link and a hard link", async () => {
  const entries = await read(
    tarHeader(file({ path: "usr", type: "directory", mode: 0o755, sizeBytes: 0 })),
    tarHeader(file()),
    Buffer.from("hello"),
    tarPadding(5),
    tarHeader(file({ path: "usr/bin/a", type: "symlink", linkTarget: "/gio", sizeBytes: 0 })),
    tarHeader(file({ path: "usr/bin/b", type: "link", linkTarget: "usr/bin/gio", sizeBytes: 0 })),
  );
  expect(entries.map(({ name, type, linkname }) => [name, type, linkname])).toEqual([
    ["usr/", "directory", undefined],
    ["usr/bin/gio", "file", undefined],
    ["usr/bin/a", "symlink", "/gio"],
    ["usr/bin/b", "link", "usr/bin/gio"],
  ]);
  expect(entries[1]).toMatchObject({
    ...{ mode: 0o4755, uid: 1000, gid: 50, size: 5, content: "hello", mtime: 1_700_000_000 },
  });
});

test("an extended attribute's bytes are kept as they are", () => {
  const value = Uint8Array.of(1, 0, 0, 2, 0x80, 0xff, 0x0a, 0);
  const bytes = Buffer.from(tarHeader(file({ attributes: { "security.capability": value } })));
  const key = Buffer.from("SCHILY.xattr.security.capability=");
  const start = bytes.indexOf(key) + key.length;
  expect([...bytes.subarray(start, start + value.length)]).toEqual([...value]);
  expect(bytes[start + value.length]).toBe(0x0a);
});

test("any path, target, number and owner is read back as it was", async () => {
  const name = fc
    .string({ unit: "binary", minLength: 1, maxLength: 120 })
    .map((text) => text.replaceAll(/[\0/\n]/g, "x"))
    .filter((text) => text !== "." && text !== "..");
  const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join("/"));
  await fc.assert(
    fc.asyncProperty(
      path,
      path,
      fc.nat(4_000_000_000),
      fc.nat(20_000_000_000),
      async (path, linkTarget, uid, mtimeSeconds) => {
        const [entry] = await read(
          tarHeader(file({ path, linkTarget, uid, mtimeSeconds, type: "symlink", sizeBytes: 0 })),
        );
        expect(entry).toMatchObject({ name: path, linkname: linkTarget, uid, mtime: mtimeSeconds });
      },
    ),
    { numRuns: 200 },
  );
});

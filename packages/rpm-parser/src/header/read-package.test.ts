import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { CleanroomError } from "@cleanroom/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPayload } from "./payload.ts";
import {
  openRpmPackage,
  readRpmHeader,
  readRpmHeaderBytes,
  readRpmPackage,
} from "./read-package.ts";

/** Made by rpmbuild 4.18 from fixtures/rpms/fx.spec, once per compressor. */
function fixture(compressor: string): Buffer {
  return readFileSync(
    fileURLToPath(new URL(`../../fixtures/rpms/fx.${compressor}.rpm`, import.meta.url)),
  );
}

/** The bytes in chunks of the given size. */
function* chunks(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function contents(bytes: Uint8Array, chunkSize = 1000): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const entry of readPayload(await openRpmPackage(chunks(bytes, chunkSize)))) {
    let size = 0;
    for await (const chunk of entry.data) size += chunk.length;
    found[entry.file.path] =
      entry.links.length === 0 ? size : [size, ...entry.links.map((link) => link.path)];
  }
  return found;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CleanroomError) return error.code;
    throw error;
  }
  return "";
}

describe("the header of an .rpm", () => {
  const header = readRpmHeaderBytes(fixture("gz"));

  it("names the package", () => {
    expect(header).toMatchObject({
      name: "fx",
      epoch: 1,
      version: "1.2",
      release: "3",
      arch: "noarch",
      nevra: "fx-1:1.2-3.noarch",
      isSource: false,
      sourceRpm: "fx-1.2-3.src.rpm",
      license: "Apache-2.0",
      buildHost: "fixture",
      buildTimeSeconds: 1578312000,
      installedBytes: 300016,
      payload: { format: "cpio", compressor: "gzip", flags: "9" },
      isSigned: false,
    });
  });

  it("writes dependencies as rpm does", () => {
    expect(header.requires.map((one) => one.text)).toContain("sh >= 2");
    expect(header.requires.map((one) => one.text)).toContain("(a or b >= 2)");
    expect(header.requires.find((one) => one.name === "sh")?.qualifiers).toEqual(["post"]);
    expect(header.provides.map((one) => one.text)).toEqual([
      "config(fx) = 1:1.2-3",
      "fx = 1:1.2-3",
    ]);
    expect(header.obsoletes.map((one) => one.text)).toEqual(["o <= 3:1-2"]);
    expect(header.conflicts.map((one) => one.text)).toEqual(["c < 1"]);
    expect(
      [header.recommends, header.suggests, header.supplements, header.enhances].map((kind) =>
        kind.map((one) => one.text),
      ),
    ).toEqual([["r"], ["g"], ["s"], ["e"]]);
  });

  it("lists files with all attributes", () => {
    const byPath = new Map(header.files.map((file) => [file.path, file]));
    expect(byPath.get("/etc/fx.conf")).toMatchObject({
      type: "file",
      mode: 0o100640,
      user: "bin",
      group: "daemon",
      sizeBytes: 5,
      flags: ["config", "noreplace"],
    });
    expect(byPath.get("/usr/share/fx/link")).toMatchObject({ type: "symlink", linkTarget: "a" });
    expect(byPath.get("/usr/share/fx/big")?.capabilities).toBe("cap_net_raw=ep");
    expect(byPath.get("/usr/share/fx/empty")?.languages).toBe("de");
    expect(byPath.get("/var/fx")?.flags).toEqual(["ghost"]);
    expect(byPath.get("/usr/share/fx")?.type).toBe("directory");
    expect(byPath.get("/usr/share/fx/a")?.inode).toBe(byPath.get("/usr/share/fx/b")?.inode);
    expect(byPath.get("/usr/share/fx/a")?.digest).toBe(
      "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    );
  });

  it("holds scriptlets, triggers and the changelog", () => {
    expect(header.scriptlets).toEqual({
      pre: { interpreter: ["/bin/sh"], body: "echo pre", flags: 0 },
      post: { interpreter: ["/sbin/ldconfig"], flags: 0 },
      postun: { interpreter: ["<lua>"], body: 'print("x")', flags: 0 },
      posttrans: { interpreter: ["/bin/sh"], body: "echo pt", flags: 0 },
    });
    expect(
      header.triggers.map(({ family, event, conditions, body }) => [
        family,
        event,
        conditions.map((one) => one.text),
        body,
      ]),
    ).toEqual([
      ["package", "in", ["bar", "foo > 1"], "echo trig"],
      ["package", "postun", ["baz"], "echo trigpu"],
      ["file", "in", ["/usr/lib", "/usr/share"], "echo ft"],
      ["transaction", "postun", ["/usr/x"], "echo tft"],
    ]);
    expect(header.triggers[2]?.priority).toBe(42);
    expect(header.changelog).toEqual([
      {
        timeSeconds: 1578312000,
        author: "Some One <one@example.org> - 1.2-3",
        text: "- a change",
      },
      {
        timeSeconds: 1578225600,
        author: "Some One <one@example.org> - 1.2-2",
        text: "- an older change",
      },
    ]);
  });

  it("is the same from bytes, from a stream and from single bytes", async () => {
    const bytes = fixture("zst");
    const expected = readRpmHeaderBytes(bytes).headerSha256;
    expect((await readRpmHeader(chunks(bytes, 1))).headerSha256).toBe(expected);
    expect((await openRpmPackage([bytes])).header.headerSha256).toBe(expected);
    expect(readRpmPackage(bytes).header.payload.compressor).toBe("zstd");
  });
});

describe("the payload of an .rpm", () => {
  it.each(["gz", "zst", "xz", "lz", "bz"])("comes file by file from %s", async (compressor) => {
    expect(await contents(fixture(compressor))).toEqual({
      "/etc/fx.conf": 5,
      "/usr/share/fx": 0,
      "/usr/share/fx/big": 300000,
      "/usr/share/fx/empty": 0,
      "/usr/share/fx/link": 0,
      "/usr/share/fx/readme": 4,
      "/usr/share/fx/b": [6, "/usr/share/fx/a"],
    });
  });

  it("comes from single bytes", async () => {
    for (const compressor of ["xz", "lz", "bz"]) {
      expect(Object.keys(await contents(fixture(compressor), 1))).toHaveLength(7);
    }
  });

  it("may be skipped, entry by entry", async () => {
    const paths: string[] = [];
    for await (const entry of readPayload(await openRpmPackage([fixture("gz")]))) {
      paths.push(entry.file.path);
    }
    expect(paths).toHaveLength(7);
  });

  it("is checked against the header's digest", async () => {
    const bytes = Buffer.concat([fixture("gz"), Buffer.from([0])]);
    expect(codeOf(() => readRpmPackage(bytes))).toBe("rpm-payload-digest");
    await expect(contents(bytes)).rejects.toMatchObject({ code: "rpm-payload-digest" });
  });
});

describe("a forged payload", () => {
  it.each(["gz", "zst", "xz", "lz", "bz"])(
    "of %s never fails but by a known error",
    async (kind) => {
      const good = fixture(kind);
      const { offset } = readRpmHeaderBytes(good).payload;
      const size = good.length - offset;
      await fc.assert(
        fc.asyncProperty(fc.nat(size - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const bytes = Buffer.from(good);
          bytes[offset + at] = (bytes[offset + at] ?? 0) ^ change;
          await expect(contents(bytes)).rejects.toMatchObject({
            code: expect.stringMatching(/^rpm-(payload-|truncated)/),
          });
        }),
        { numRuns: 40, seed: 5 },
      );
    },
  );

  it("does not go on after its last entry", async () => {
    const { header } = await openRpmPackage([fixture("gz")]);
    const trailer = `070701${"0".repeat(88)}0000000b00000000TRAILER!!!\0\0\0\0`;
    const payload = gzipSync(Buffer.concat([Buffer.from(trailer), Buffer.alloc(8 * 1024 * 1024)]));
    const entries = readPayload({
      header,
      payload: Readable.from([payload]),
      close: async () => {},
    });
    await expect(Array.fromAsync(entries)).rejects.toMatchObject({ code: "rpm-payload-invalid" });
  });
});

describe("a damaged .rpm", () => {
  const good = fixture("gz");

  it("is refused by its magic", () => {
    expect(codeOf(() => readRpmHeaderBytes(Buffer.alloc(200)))).toBe("rpm-not-a-package");
    expect(codeOf(() => readRpmHeaderBytes(Buffer.alloc(3)))).toBe("rpm-truncated");
  });

  it("is refused when its header was changed", () => {
    const bytes = Buffer.from(good);
    bytes.write("Fixturf", bytes.indexOf("Fixture of"));
    expect(codeOf(() => readRpmHeaderBytes(bytes))).toBe("rpm-header-digest");
  });

  it("is refused wherever it is cut", async () => {
    const end = readRpmHeaderBytes(good).payload.offset;
    for (let length = 0; length < end; length += 97) {
      expect(codeOf(() => readRpmHeaderBytes(good.subarray(0, length)))).toBe("rpm-truncated");
    }
    await expect(contents(good.subarray(0, end + 100))).rejects.toMatchObject({
      name: "CleanroomError",
    });
  });

  it("never fails but by a known error", () => {
    const end = readRpmHeaderBytes(good).payload.offset;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(end - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          expect(codeOf(() => readRpmHeaderBytes(bytes))).toMatch(/^(rpm-.*)?$/);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });
});

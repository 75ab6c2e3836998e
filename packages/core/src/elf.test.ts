import { describe, expect, test } from "vitest";
import { readElfNeeds } from "./elf.ts";

/** A library with one segment that holds everything, for either class and byte order. */
function makeElf(is64: boolean, isLittle: boolean): Uint8Array {
  const strings = "\0libX11.so.6\0libc.so.6\0libme.so.1\0";
  const data = "text\0libGL.so.1\0/usr/lib/libdl.so\0libme.so.1\0not lib.so\0";
  const wide = is64 ? 8 : 4;
  const headerBytes = is64 ? 64 : 52;
  const entryBytes = is64 ? 56 : 32;
  const dynamicAt = headerBytes + 2 * entryBytes;
  const tags: [number, number][] = [
    [1, 1],
    [1, 13],
    [14, 23],
    [5, 0x1000 + dynamicAt + 5 * 2 * wide],
    [0, 0],
  ];
  const stringsAt = dynamicAt + tags.length * 2 * wide;
  const bytes = new Uint8Array(stringsAt + strings.length + data.length);
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: number): void =>
    is64 ? view.setBigUint64(at, BigInt(value), isLittle) : view.setUint32(at, value, isLittle);
  view.setUint32(0, 0x7f_45_4c_46);
  bytes[4] = is64 ? 2 : 1;
  bytes[5] = isLittle ? 1 : 2;
  put(is64 ? 32 : 28, headerBytes);
  view.setUint16(is64 ? 54 : 42, entryBytes, isLittle);
  view.setUint16(is64 ? 56 : 44, 2, isLittle);
  const segment = (index: number, type: number, offset: number, size: number): void => {
    const at = headerBytes + index * entryBytes;
    view.setUint32(at, type, isLittle);
    put(at + (is64 ? 8 : 4), offset);
    put(at + (is64 ? 16 : 8), 0x1000 + offset);
    put(at + (is64 ? 32 : 16), size);
  };
  segment(0, 1, 0, bytes.length);
  segment(1, 2, dynamicAt, tags.length * 2 * wide);
  for (const [index, [tag, value]] of tags.entries()) {
    put(dynamicAt + index * 2 * wide, tag);
    put(dynamicAt + index * 2 * wide + wide, value);
  }
  bytes.set(Buffer.from(strings + data, "latin1"), stringsAt);
  return bytes;
}

describe.each([
  ["64-bit little-endian", true, true],
  ["64-bit big-endian", true, false],
  ["32-bit little-endian", false, true],
  ["32-bit big-endian", false, false],
])("%s", (_name, is64, isLittle) => {
  test("what the loader must find, and what dlopen may be given", () => {
    expect(readElfNeeds(makeElf(is64, isLittle))).toEqual({
      soname: "libme.so.1",
      needed: ["libX11.so.6", "libc.so.6"],
      named: ["libGL.so.1", "libdl.so"],
    });
  });

  test("a truncated file is no ELF file, and no failure", () => {
    const bytes = makeElf(is64, isLittle);
    for (const length of [0, 4, 40, 70, 100]) {
      const result = readElfNeeds(bytes.slice(0, length));
      expect(result === undefined || result.needed.length === 0).toBe(true);
    }
  });
});

test("a script is no ELF file", () => {
  expect(readElfNeeds(Buffer.from(`#!/bin/sh\n${"echo\n".repeat(20)}`))).toBeUndefined();
});

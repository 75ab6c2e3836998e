import { expect, test } from "vitest";
import { HeaderBlob } from "./header-blob.ts";

const tag = 1117;

/** A header with one tag, a list of so many strings, whose data is `data`. */
function headerOf(count: number, data: Buffer): HeaderBlob {
  const intro = Buffer.alloc(32);
  Buffer.from([0x8e, 0xad, 0xe8, 0x01]).copy(intro);
  intro.writeUInt32BE(1, 8);
  intro.writeUInt32BE(data.length, 12);
  intro.writeUInt32BE(tag, 16);
  intro.writeUInt32BE(8, 20);
  intro.writeUInt32BE(0, 24);
  intro.writeUInt32BE(count, 28);
  return new HeaderBlob(Buffer.concat([intro, data]), "the header");
}

const terminated = (strings: readonly Buffer[]): Buffer =>
  Buffer.concat(strings.flatMap((one) => [one, Buffer.from([0])]));

test.each([1, 2, 7, 8, 9, 100])("%d strings are the texts that were written", (count) => {
  const ascii = Array.from({ length: count }, (_, index) => `file ${index}`);
  expect(headerOf(count, terminated(ascii.map((one) => Buffer.from(one)))).strings(tag)).toEqual(
    ascii,
  );
  const mixed = ascii.map((one, index) => (index % 2 === 0 ? `${one} für ☃` : `${one} für`));
  // Every other one in the old encoding, and an empty one at the end.
  const data = mixed.map((one, index) => Buffer.from(one, index % 2 === 0 ? "utf8" : "latin1"));
  expect(headerOf(count + 1, terminated([...data, Buffer.alloc(0)])).strings(tag)).toEqual([
    ...mixed,
    "",
  ]);
});

test.each([2, 100])("%d strings of which the last has no end are an error", (count) => {
  const strings = Array.from({ length: count }, () => Buffer.from("text"));
  const data = terminated(strings).subarray(0, -1);
  expect(() => headerOf(count, data).strings(tag)).toThrow("without an end");
});

import { expect, test } from "vitest";
import { joinSignatures } from "./openpgp-armor.ts";

function armor(body: string, checksum: string): string {
  return `-----BEGIN PGP SIGNATURE-----\n\n${body}\n=${checksum}\n-----END PGP SIGNATURE-----\n`;
}

test("one signature stays as it is", () => {
  expect(joinSignatures([armor("AAEC", "xxxx")])).toBe(armor("AAEC", "xxxx"));
});

test("two signatures become one text with the packets of both", () => {
  const joined = joinSignatures([armor("AAEC", "xxxx"), armor("AwQ=", "yyyy")]);
  expect(joined.split("\n")[2]).toBe(Buffer.from([0, 1, 2, 3, 4]).toString("base64"));
});

test("the checksum is CRC-24", () => {
  // "123456789" gives 0x21cf02, the check value of CRC-24/OPENPGP.
  const halves = ["12345", "6789"].map((text) =>
    armor(Buffer.from(text).toString("base64"), "xxxx"),
  );
  expect(joinSignatures(halves)).toContain(
    `\n=${Buffer.from([0x21, 0xcf, 0x02]).toString("base64")}\n`,
  );
});

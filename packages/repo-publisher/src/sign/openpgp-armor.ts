const bodyPattern =
  /-----BEGIN PGP SIGNATURE-----\r?\n(?:[^\n]+\n)*?\r?\n([A-Za-z0-9+/=\s]*?)(?:\n=[A-Za-z0-9+/]{4})?\r?\n-----END/;

/**
 * Joins detached signatures in ASCII armour into one (RFC 9580, section 6.2): a reader sees each
 * of them. The first comes first.
 */
export function joinSignatures(armored: readonly string[]): string {
  const [only] = armored;
  if (only !== undefined && armored.length === 1) return only;
  const packets = Buffer.concat(armored.map(signaturePackets));
  const lines = packets.toString("base64").match(/.{1,64}/g) ?? [];
  return [
    "-----BEGIN PGP SIGNATURE-----",
    "",
    ...lines,
    `=${checksum(packets)}`,
    "-----END PGP SIGNATURE-----",
    "",
  ].join("\n");
}

/** What the armour of a signature holds; empty when the text is none. */
export function signaturePackets(armored: string): Buffer {
  return Buffer.from(bodyPattern.exec(armored)?.[1] ?? "", "base64");
}

/** The CRC-24 of RFC 9580, section 6.1.1, in base64. */
function checksum(bytes: Uint8Array): string {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return Buffer.from([(crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff]).toString("base64");
}

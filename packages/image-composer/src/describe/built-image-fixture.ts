import {
  type BuiltFile,
  type BuiltImage,
  type BuiltPackage,
  imageRecordVersion,
} from "./image-record.ts";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A package of a made-up image, for tests. */
export function madePackage(nevra: string, change: Partial<BuiltPackage> = {}): BuiltPackage {
  const name = nevra.replace(/-[^-]+-[^-]+$/, "");
  return {
    ...{ nevra, name, sha256: "1".repeat(64), rpmSha256: "2".repeat(64), unpackedBytes: 1_000_000 },
    ...{ repository: "cleanroom", sourceRpm: `${name}-1-1.src.rpm`, license: "LGPL-2.1-or-later" },
    ...{
      summary: `The package ${name}`,
      vendor: "",
      url: `https://example.org/${name}`,
      needs: [],
    },
    ...change,
  };
}

/** A made-up image of two packages and two layers. */
export function madeImage(change: Partial<BuiltImage> = {}): BuiltImage {
  const glib = madePackage("glib2-2.84.4-1.x86_64", {
    needs: [{ package: "libc6-2:2.41-12+deb13u5.x86_64", capability: "libc.so.6()(64bit)" }],
  });
  const libc = madePackage("libc6-2:2.41-12+deb13u5.x86_64", {
    ...{ repository: "debian-trixie", vendor: "Debian", sourceRpm: "glibc-2.41-12.src.rpm" },
    ...{ license: "LicenseRef-Debian-copyright-file", unpackedBytes: 3_000_000 },
  });
  const layer = {
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    ...{ compressedBytes: 500_000, unpackedBytes: 2_000_000, files: 1 },
  };
  return {
    ...{
      version: imageRecordVersion,
      name: "hello",
      arch: "x86_64",
      created: 1_700_000_000,
      config: {},
    },
    ...{ digest: digest("a"), imageId: digest("b") },
    layers: [
      {
        ...layer,
        digest: digest("c"),
        diffId: digest("d"),
        packages: [glib.nevra],
        sources: ["glib2"],
      },
      {
        ...layer,
        digest: digest("e"),
        diffId: digest("f"),
        packages: [libc.nevra],
        sources: ["glibc"],
      },
    ],
    packages: [glib, libc],
    wanted: [{ package: glib.nevra, capability: "glib2" }],
    repositories: { cleanroom: "0123456789abcdef" },
    policy: ["no source: /usr/src/**"],
    ...{ lockSha256: "3".repeat(64), toolsDigest: "4".repeat(64), removed: [] },
    ...{ unpackedBytes: 4_000_000, compressedBytes: 1_000_000 },
    ...change,
  };
}

export const madeContents: readonly BuiltFile[] = [
  {
    ...{ path: "/usr/bin/gio", mode: "0755", sizeBytes: 1, sha256: "5".repeat(64) },
    package: "glib2-2.84.4-1.x86_64",
  },
  { path: "/etc/ld.so.cache", mode: "0644", sizeBytes: 1, sha256: "6".repeat(64) },
];

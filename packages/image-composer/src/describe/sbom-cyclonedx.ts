import type { Json } from "@cleanroom/core";
import type { BuiltImage, BuiltPackage } from "./image-record.ts";
import { licenseOf } from "./license-expression.ts";
import { splitNevra } from "../lock/lock-file.ts";
import { debianPurl, rpmPurl } from "./purl.ts";

/** The image's packages as a CycloneDX 1.6 document. The same image gives the same document. */
export function cyclonedxDocument(image: BuiltImage): Json {
  const purls = new Map(image.packages.map((one) => [one.nevra, rpmPurl(one)]));
  const refs = (needs: BuiltPackage["needs"]): string[] =>
    [...new Set(needs.map((need) => purls.get(need.package) ?? ""))].toSorted();
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(image.digest)}`,
    version: 1,
    metadata: {
      timestamp: new Date(image.created * 1000).toISOString().replace(".000Z", "Z"),
      tools: { components: [{ type: "application", name: "cleanroom" }] },
      component: {
        type: "container",
        "bom-ref": image.digest,
        name: image.name,
        version: image.digest,
        hashes: [{ alg: "SHA-256", content: image.digest.replace("sha256:", "") }],
      },
    },
    components: image.packages.map((one) => component(one, purls.get(one.nevra) ?? "")),
    dependencies: [
      { ref: image.digest, dependsOn: refs(image.wanted) },
      ...image.packages.map(({ nevra, needs }) => ({
        ref: purls.get(nevra) ?? "",
        dependsOn: refs(needs),
      })),
    ],
  };
}

function component(one: BuiltPackage, purl: string): Json {
  const debian = debianPurl(one);
  const { evr } = splitNevra(one.nevra);
  const { expression, references } = licenseOf(one.license);
  return {
    type: "library",
    "bom-ref": purl,
    ...(one.vendor === "" ? {} : { supplier: { name: one.vendor } }),
    name: one.name,
    version: evr,
    description: one.summary,
    hashes: [{ alg: "SHA-256", content: one.rpmSha256 }],
    ...(expression === "NOASSERTION"
      ? {}
      : {
          licenses: [
            references.has(expression)
              ? { license: { name: one.license } }
              : { expression, acknowledgement: "declared" },
          ],
        }),
    purl,
    ...(/^https?:\/\//.test(one.url)
      ? { externalReferences: [{ type: "website", url: one.url }] }
      : {}),
    // What was converted keeps the name under which advisories know it.
    ...(debian === undefined
      ? {}
      : {
          pedigree: {
            ancestors: [
              { type: "library", name: one.name, version: evr.replace(/-0$/, ""), purl: debian },
            ],
          },
        }),
    properties: [
      { name: "cleanroom:repository", value: one.repository },
      { name: "cleanroom:source", value: one.sourceRpm },
    ],
  };
}

/** A UUID of version 8 (RFC 9562, 5.8) made of a digest. */
function uuidOf(digest: string): string {
  const hex = digest.replace("sha256:", "");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

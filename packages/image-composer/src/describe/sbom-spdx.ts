import type { Json } from "@cleanroom/core";
import type { BuiltImage, BuiltPackage } from "./image-record.ts";
import { licenseOf } from "./license-expression.ts";
import { splitNevra } from "../lock/lock-file.ts";
import { debianPurl, rpmPurl } from "./purl.ts";

/** The image's packages as an SPDX 2.3 document. The same image gives the same document. */
export function spdxDocument(image: BuiltImage): Json {
  const created = new Date(image.created * 1000).toISOString().replace(".000Z", "Z");
  const imageSpdxId = "SPDXRef-image";
  const ids = new Map(image.packages.map(({ nevra }) => [nevra, spdxId(nevra)]));
  const references = new Map(
    image.packages.flatMap(({ license }) => [...licenseOf(license).references]),
  );
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: image.name,
    documentNamespace: `https://cleanroom.invalid/spdx/${image.name}/${image.digest.replace(":", "-")}`,
    creationInfo: { created, creators: ["Tool: cleanroom"] },
    packages: [
      {
        SPDXID: imageSpdxId,
        name: image.name,
        versionInfo: image.digest,
        downloadLocation: "NOASSERTION",
        filesAnalyzed: false,
        ...{ licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION" },
        copyrightText: "NOASSERTION",
        primaryPackagePurpose: "CONTAINER",
        checksums: [{ algorithm: "SHA256", checksumValue: image.digest.replace("sha256:", "") }],
      },
      ...image.packages.map((one) => spdxPackage(one, ids.get(one.nevra) ?? "")),
    ],
    ...(references.size === 0
      ? {}
      : {
          hasExtractedLicensingInfos: [...references]
            .map(([licenseId, extractedText]) => ({ licenseId, name: licenseId, extractedText }))
            .toSorted((a, b) => (a.licenseId < b.licenseId ? -1 : 1)),
        }),
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", imageSpdxId),
      ...image.packages.map(({ nevra }) =>
        relationship(imageSpdxId, "CONTAINS", ids.get(nevra) ?? ""),
      ),
      ...image.packages.flatMap(({ nevra, needs }) =>
        needs.map((need) =>
          relationship(ids.get(nevra) ?? "", "DEPENDS_ON", ids.get(need.package) ?? ""),
        ),
      ),
    ],
  };
}

function spdxPackage(one: BuiltPackage, id: string): Json {
  const purls = [rpmPurl(one), debianPurl(one)].filter((purl) => purl !== undefined);
  return {
    SPDXID: id,
    name: one.name,
    versionInfo: splitNevra(one.nevra).evr,
    packageFileName: `${one.nevra}.rpm`,
    ...(one.vendor === "" ? {} : { supplier: `Organization: ${one.vendor}` }),
    downloadLocation: "NOASSERTION",
    ...(/^https?:\/\//.test(one.url) ? { homepage: one.url } : {}),
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: licenseOf(one.license).expression,
    copyrightText: "NOASSERTION",
    summary: one.summary,
    sourceInfo: `built from ${one.sourceRpm}, from the repository ${one.repository}`,
    checksums: [{ algorithm: "SHA256", checksumValue: one.rpmSha256 }],
    externalRefs: purls.map((purl) => ({
      referenceCategory: "PACKAGE-MANAGER",
      referenceType: "purl",
      referenceLocator: purl,
    })),
  };
}

function relationship(from: string, relationshipType: string, to: string): Json {
  return { spdxElementId: from, relationshipType, relatedSpdxElement: to };
}

/** SPDX identifiers have letters, digits, dots and hyphens alone (clause 7.2). */
function spdxId(nevra: string): string {
  const text = nevra.replaceAll(
    /[^A-Za-z0-9.-]/g,
    (letter) => `-${letter.codePointAt(0)?.toString(16) ?? ""}-`,
  );
  return `SPDXRef-rpm-${text}`;
}

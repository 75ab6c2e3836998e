/**
 * SPDX 2.3's JSON format, as far as SBOMs of images use it, with clauses of the specification: what is
 * not named here is refused. The official schema is in no package registry, hence words of our own.
 */
const text = { type: "string", minLength: 1 };
/** 3.2 and 7.2. */
const identifier = { type: "string", pattern: "^SPDXRef-[A-Za-z0-9.-]+$" };
/** 7.3: who may have made or supplied something. */
const agent = { type: "string", pattern: "^(NOASSERTION|(Person|Organization|Tool): .+)$" };

function object(required: Readonly<Record<string, unknown>>, optional: object = {}): object {
  return {
    type: "object",
    additionalProperties: false,
    required: Object.keys(required),
    properties: { ...required, ...optional },
  };
}

function list(items: unknown): object {
  return { type: "array", minItems: 1, uniqueItems: true, items };
}

/** 7.10. */
const checksum = object({
  algorithm: { enum: ["SHA256"] },
  checksumValue: { type: "string", pattern: "^[0-9a-f]{64}$" },
});

/** 7.21 and annex F. */
const externalReference = object({
  referenceCategory: { enum: ["OTHER", "PACKAGE-MANAGER", "PERSISTENT-ID", "SECURITY"] },
  referenceType: { type: "string", pattern: "^\\S+$" },
  referenceLocator: { type: "string", pattern: "^pkg:(deb|rpm)/\\S+$" },
});

/** Clause 7. No file is analyzed, so 7.9 asks for no verification code. */
const spdxPackage = object(
  {
    SPDXID: identifier,
    name: text,
    versionInfo: text,
    downloadLocation: { type: "string", pattern: "^(NOASSERTION|NONE|[a-z+]+://\\S+)$" },
    filesAnalyzed: { const: false },
    licenseConcluded: text,
    licenseDeclared: text,
    copyrightText: text,
    checksums: list(checksum),
  },
  {
    packageFileName: text,
    supplier: agent,
    homepage: { type: "string", pattern: "^https?://\\S+$" },
    summary: { type: "string" },
    sourceInfo: text,
    primaryPackagePurpose: { enum: ["APPLICATION", "CONTAINER", "LIBRARY", "OPERATING-SYSTEM"] },
    externalRefs: list(externalReference),
  },
);

export const spdxSchema: object = object(
  {
    spdxVersion: { const: "SPDX-2.3" },
    // 6.2: always this one.
    dataLicense: { const: "CC0-1.0" },
    SPDXID: { const: "SPDXRef-DOCUMENT" },
    name: text,
    // 6.5: an absolute URI without a fragment.
    documentNamespace: { type: "string", pattern: "^[a-z]+://[^\\s#]+$" },
    creationInfo: object({
      // 6.9: UTC, to the second.
      created: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" },
      creators: list(agent),
    }),
    packages: list(spdxPackage),
    // 11.1.
    relationships: list(
      object({
        spdxElementId: identifier,
        relationshipType: { enum: ["CONTAINS", "DEPENDS_ON", "DESCRIBES"] },
        relatedSpdxElement: identifier,
      }),
    ),
  },
  {
    // Clause 10.
    hasExtractedLicensingInfos: list(
      object({
        licenseId: { type: "string", pattern: "^LicenseRef-[A-Za-z0-9.-]+$" },
        name: text,
        extractedText: text,
      }),
    ),
  },
);

import { expect, test } from "vitest";
import { madeImage } from "./built-image-fixture.ts";
import { licenseOf } from "./license-expression.ts";
import { provenanceStatement } from "./provenance.ts";
import { debianPurl, rpmPurl } from "./purl.ts";
import { referrersOf } from "./referrers.ts";
import { cyclonedxDocument } from "./sbom-cyclonedx.ts";
import { spdxDocument } from "./sbom-spdx.ts";

const image = madeImage();
const [glib, libc] = image.packages;
if (glib === undefined || libc === undefined) throw new Error("two packages");

test("package addresses", () => {
  expect(rpmPurl(glib)).toBe(
    "pkg:rpm/cleanroom/glib2@2.84.4-1?arch=x86_64&upstream=glib2-1-1.src.rpm",
  );
  expect(rpmPurl(libc)).toBe(
    "pkg:rpm/debian-trixie/libc6@2.41-12%2Bdeb13u5?arch=x86_64&epoch=2&upstream=glibc-2.41-12.src.rpm",
  );
  expect(debianPurl(libc)).toBe("pkg:deb/debian/libc6@2:2.41-12%2Bdeb13u5?arch=amd64");
  expect(debianPurl(glib)).toBeUndefined();
});

test.each([
  ["MIT", "MIT"],
  ["LGPL-2.1-or-later AND (MIT OR Zlib)", "LGPL-2.1-or-later AND (MIT OR Zlib)"],
  ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
  ["LicenseRef-Debian-copyright-file", "LicenseRef-Debian-copyright-file"],
  ["", "NOASSERTION"],
])("the licence %j is %j", (license, expression) => {
  expect(licenseOf(license).expression).toBe(expression);
});

test.each(["GPLv2+ and MIT", "see COPYING", "MIT AND", "(MIT"])("%j is kept as text", (license) => {
  const { expression, references } = licenseOf(license);
  expect(expression).toMatch(/^LicenseRef-rpm-[0-9a-f]{12}$/);
  expect(references.get(expression)).toBe(license);
});

test("SPDX names every package, what it needs, and where it came from", () => {
  expect(spdxDocument(image)).toMatchObject({
    spdxVersion: "SPDX-2.3",
    creationInfo: { created: "2023-11-14T22:13:20Z" },
    packages: [
      { SPDXID: "SPDXRef-image", primaryPackagePurpose: "CONTAINER" },
      { SPDXID: "SPDXRef-rpm-glib2-2.84.4-1.x86-5f-64", licenseDeclared: "LGPL-2.1-or-later" },
      {
        name: "libc6",
        versionInfo: "2:2.41-12+deb13u5",
        supplier: "Organization: Debian",
        externalRefs: [{ referenceType: "purl" }, { referenceLocator: debianPurl(libc) }],
      },
    ],
    hasExtractedLicensingInfos: [{ licenseId: "LicenseRef-Debian-copyright-file" }],
  });
  expect(spdxDocument(image)).toHaveProperty(
    "relationships",
    expect.arrayContaining([
      {
        spdxElementId: "SPDXRef-rpm-glib2-2.84.4-1.x86-5f-64",
        relationshipType: "DEPENDS_ON",
        relatedSpdxElement: "SPDXRef-rpm-libc6-2-3a-2.41-12-2b-deb13u5.x86-5f-64",
      },
    ]),
  );
});

test("CycloneDX has the same, with the Debian package as an ancestor", () => {
  expect(cyclonedxDocument(image)).toMatchObject({
    serialNumber: "urn:uuid:aaaaaaaa-aaaa-8aaa-aaaa-aaaaaaaaaaaa",
    components: [
      { name: "glib2", licenses: [{ expression: "LGPL-2.1-or-later" }] },
      { name: "libc6", pedigree: { ancestors: [{ purl: debianPurl(libc) }] } },
    ],
    dependencies: [
      { ref: image.digest, dependsOn: [rpmPurl(glib)] },
      { ref: rpmPurl(glib), dependsOn: [rpmPurl(libc)] },
      { ref: rpmPurl(libc), dependsOn: [] },
    ],
  });
});

test("the provenance names image, lock, repositories and packages by digest", () => {
  expect(provenanceStatement(image)).toMatchObject({
    subject: [{ name: "hello", digest: { sha256: "a".repeat(64) } }],
    predicate: {
      buildDefinition: {
        externalParameters: { lock: { sha256: "3".repeat(64) } },
        resolvedDependencies: [
          { name: "cleanroom", annotations: { state: "0123456789abcdef" } },
          { name: "glib2-2.84.4-1.x86_64", digest: { sha256: "2".repeat(64) } },
          { name: "libc6-2:2.41-12+deb13u5.x86_64" },
        ],
      },
    },
  });
});

test("each document refers to the image", () => {
  const subject = { mediaType: "application/x", digest: image.digest, size: 7 };
  const referrers = referrersOf(image, subject);
  expect(referrers.map(({ artifactType }) => artifactType)).toEqual([
    "application/spdx+json",
    "application/vnd.cyclonedx+json",
    "application/vnd.in-toto+json",
  ]);
  for (const { manifest, document } of referrers) {
    const value = JSON.parse(Buffer.from(manifest.bytes).toString()) as {
      subject: object;
      layers: { digest: string }[];
    };
    expect(value.subject).toEqual(subject);
    expect(value.layers[0]?.digest).toBe(document.descriptor.digest);
  }
});

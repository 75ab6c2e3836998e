import type { Json } from "@cleanroom/core";
import { canonicalJson } from "@cleanroom/core";
import type { BuiltImage } from "./image-record.ts";
import { type JsonBlob, jsonBlob, mediaTypes } from "./oci-image.ts";
import { provenanceStatement } from "./provenance.ts";
import { cyclonedxDocument } from "./sbom-cyclonedx.ts";
import { spdxDocument } from "./sbom-spdx.ts";

/** A document about an image, and the manifest by which a registry finds it. */
export interface Referrer {
  /** Name of its file in the output folder. */
  readonly fileName: string;
  readonly artifactType: string;
  readonly document: JsonBlob;
  readonly manifest: JsonBlob;
}

/** OCI's empty configuration (OCI image specification 1.1, manifest.md). */
export const emptyConfig: JsonBlob = jsonBlob("application/vnd.oci.empty.v1+json", {});

const documents: readonly {
  readonly fileName: string;
  readonly mediaType: string;
  readonly make: (image: BuiltImage) => Json;
}[] = [
  { fileName: "sbom.spdx.json", mediaType: "application/spdx+json", make: spdxDocument },
  {
    fileName: "sbom.cdx.json",
    mediaType: "application/vnd.cyclonedx+json",
    make: cyclonedxDocument,
  },
  {
    fileName: "provenance.json",
    mediaType: "application/vnd.in-toto+json",
    make: provenanceStatement,
  },
];

/**
 * SBOMs and provenance as OCI referrers: manifests whose `subject` is the image (OCI image
 * specification 1.1, "Guidelines for Artifact Usage").
 */
export function referrersOf(
  image: BuiltImage,
  subject: JsonBlob["descriptor"],
): readonly Referrer[] {
  return documents.map(({ fileName, mediaType, make }) => {
    const document = jsonBlob(mediaType, make(image));
    const manifest = jsonBlob(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: mediaType,
      config: emptyConfig.descriptor,
      layers: [
        { ...document.descriptor, annotations: { "org.opencontainers.image.title": fileName } },
      ],
      subject,
    });
    return { fileName, artifactType: mediaType, document, manifest };
  });
}

/** The index of a layout that holds the referrers alone: the image's own layout has one image. */
export function referrersIndex(referrers: readonly Referrer[]): Uint8Array {
  return Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: referrers.map(({ manifest, artifactType }) => ({
        ...manifest.descriptor,
        artifactType,
      })),
    }),
  );
}

import type { Json } from "@cleanroom/core";
import type { BuiltImage } from "./image-record.ts";
import { rpmPurl } from "./purl.ts";

/**
 * How the image came to be: an in-toto statement (v1) with a SLSA provenance (v1). It holds no
 * time and no place, because the same input gives the same image wherever it is built.
 */
export function provenanceStatement(image: BuiltImage): Json {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: image.name, digest: { sha256: image.digest.replace("sha256:", "") } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://cleanroom.invalid/image-build/v1",
        externalParameters: {
          image: image.name,
          architecture: image.arch,
          lock: { sha256: image.lockSha256 },
        },
        internalParameters: { tools: { sha256: image.toolsDigest } },
        resolvedDependencies: [
          ...Object.entries(image.repositories).map(([id, state]) => ({
            uri: `https://cleanroom.invalid/repository/${id}/${state}`,
            name: id,
            annotations: { state },
          })),
          ...image.packages.map((one) => ({
            uri: rpmPurl(one),
            digest: { sha256: one.rpmSha256 },
            name: one.nevra,
          })),
          // How each of them was built, said by whoever built it.
          ...image.packages.flatMap(({ nevra, provenance }) =>
            provenance === undefined
              ? []
              : [
                  {
                    name: `provenance of ${nevra}`,
                    mediaType: "application/vnd.in-toto+json",
                    digest: { sha256: provenance.sha256 },
                    annotations: { buildType: provenance.buildType },
                  },
                ],
          ),
        ],
      },
      runDetails: { builder: { id: "https://cleanroom.invalid/builder/local" } },
    },
  };
}

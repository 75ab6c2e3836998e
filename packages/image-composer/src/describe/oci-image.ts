import { canonicalJson, type Json, sha256 } from "@cleanroom/core";
import type { Compression } from "../compose/compression.ts";
import type { ImageFile } from "../image-file.ts";
import type { LayerBlob } from "../compose/layers.ts";

/** Media types of the OCI image specification, 1.1. */
export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
} as const;

/** The annotation of a layer that names the source packages in it, for people and tools that look at the image alone. */
const sourcesAnnotation = "cleanroom.layer.sources";

/** Go's names of the architectures that RPM names. */
const goArch: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** OCI's platform of an architecture that RPM names. */
export function platformOf(arch: string): { readonly architecture: string; readonly os: string } {
  return { architecture: goArch[arch] ?? arch, os: "linux" };
}

/** What engines call the image once it is loaded: it comes from no registry. */
export function imageReference(name: string): string {
  return `localhost/${name}:latest`;
}

/** What an OCI image is made of, beyond its layers' bytes. */
export interface OciImageInput {
  readonly name: string;
  /** RPM's name of the architecture. */
  readonly arch: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly image: ImageFile;
  /** `uid:gid`, as resolved; undefined is root. */
  readonly user: string | undefined;
  readonly compression: Compression;
  readonly layers: readonly {
    readonly blob: LayerBlob;
    /** Source packages; empty for the state layer. */
    readonly sources: readonly string[];
    /** One line for people. */
    readonly comment: string;
  }[];
}

/** A small blob of an image: its bytes, and the descriptor that refers to it. */
export interface JsonBlob {
  readonly bytes: Uint8Array;
  readonly descriptor: {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
  };
}

/** The configuration and the manifest of an image: canonical JSON, so the same bytes every time. */
export function ociImage(input: OciImageInput): {
  readonly config: JsonBlob;
  readonly manifest: JsonBlob;
  readonly index: JsonBlob;
  /** The `config` object of the configuration, as containers get it. */
  readonly runtime: Json;
} {
  const created = new Date(input.created * 1000).toISOString().replace(".000Z", "Z");
  const runtime = runtimeConfig(input);
  const platform = platformOf(input.arch);
  const config = jsonBlob(mediaTypes.config, {
    ...platform,
    created,
    config: runtime,
    rootfs: { type: "layers", diff_ids: input.layers.map(({ blob }) => `sha256:${blob.diffId}`) },
    history: input.layers.map(({ comment }) => ({
      created,
      created_by: "cleanroom",
      comment,
    })),
  });
  const manifest = jsonBlob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: input.layers.map(({ blob, sources }) => ({
      mediaType: mediaTypes[input.compression],
      digest: `sha256:${blob.digest}`,
      size: blob.compressedBytes,
      ...(sources.length === 0 ? {} : { annotations: { [sourcesAnnotation]: sources.join(" ") } }),
    })),
    annotations: {
      "org.opencontainers.image.created": created,
      "org.opencontainers.image.title": input.name,
    },
  });
  const index = imageIndex(input.name, [{ ...manifest.descriptor, platform }]);
  return { config, manifest, index, runtime };
}

/** The index of a layout: its manifests, all under the name that engines call the image by. */
export function imageIndex(
  name: string,
  manifests: readonly { readonly [key: string]: Json }[],
): JsonBlob {
  return jsonBlob(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: manifests.map((descriptor) => ({
      ...descriptor,
      annotations: {
        // podman and skopeo name the image by the first, containerd and docker by the second.
        "org.opencontainers.image.ref.name": imageReference(name),
        "io.containerd.image.name": imageReference(name),
      },
    })),
  });
}

/** Go's sets, as the configuration has them: names that stand for empty objects. */
function set(names: readonly string[]): Json {
  return Object.fromEntries(names.toSorted().map((name) => [name, {}]));
}

/** The `config` of an image configuration (OCI image specification, config.md, "Properties"). */
function runtimeConfig({ image, user }: OciImageInput): { readonly [key: string]: Json } {
  const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", ...image.env };
  return {
    ...(user === undefined ? {} : { User: user }),
    Env: Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
    ...(image.entrypoint === undefined ? {} : { Entrypoint: image.entrypoint }),
    ...(image.cmd === undefined ? {} : { Cmd: image.cmd }),
    ...(image.workdir === undefined ? {} : { WorkingDir: image.workdir }),
    ...(image.ports.length === 0
      ? {}
      : {
          ExposedPorts: set(
            image.ports.map((port) => (typeof port === "number" ? `${port}/tcp` : port)),
          ),
        }),
    ...(image.volumes.length === 0 ? {} : { Volumes: set(image.volumes) }),
    ...(Object.keys(image.labels).length === 0 ? {} : { Labels: image.labels }),
    ...(image.stopSignal === undefined ? {} : { StopSignal: image.stopSignal }),
  };
}

export function jsonBlob(mediaType: string, value: Json): JsonBlob {
  const bytes = Buffer.from(canonicalJson(value));
  return {
    bytes,
    descriptor: { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length },
  };
}

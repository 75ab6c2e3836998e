import { expect, test } from "vitest";
import { imageFileSchema } from "../image-file.ts";
import { ociImage } from "./oci-image.ts";

const digest = (letter: string): string => letter.repeat(64);

const image = (yaml: object): Parameters<typeof ociImage>[0] => ({
  name: "hello",
  arch: "x86_64",
  created: 1_700_000_000,
  image: imageFileSchema.parse({ base: "b", packages: ["p"], ...yaml }),
  user: "1000:1000",
  compression: "gzip",
  layers: [
    {
      blob: { digest: digest("a"), diffId: digest("b"), compressedBytes: 10 },
      ...{ sources: ["glib2", "zlib"], comment: "glib2 zlib" },
    },
    {
      blob: { digest: digest("c"), diffId: digest("d"), compressedBytes: 20 },
      ...{ sources: [], comment: "state" },
    },
  ],
});

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

test("configuration, manifest and index refer to each other by digest", () => {
  const { config, manifest, index } = ociImage(image({}));
  expect(json(config.bytes)).toMatchObject({
    ...{ architecture: "amd64", os: "linux", created: "2023-11-14T22:13:20Z" },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest("b")}`, `sha256:${digest("d")}`] },
  });
  expect(json(manifest.bytes)).toMatchObject({
    config: config.descriptor,
    layers: [{ digest: `sha256:${digest("a")}`, size: 10 }, { digest: `sha256:${digest("c")}` }],
  });
  expect(json(index.bytes)).toMatchObject({ manifests: [manifest.descriptor] });
});

test("what containers get", () => {
  const { runtime } = ociImage(
    image({
      entrypoint: ["/usr/bin/catatonit", "--"],
      cmd: ["sh"],
      env: { LANG: "C.UTF-8", A: "1" },
      ports: [8080, "53/udp"],
      labels: { maintainer: "me" },
      ...{ workdir: "/home/user", stopSignal: "SIGINT", volumes: ["/data"] },
    }),
  );
  expect(runtime).toEqual({
    User: "1000:1000",
    Env: ["A=1", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"],
    Entrypoint: ["/usr/bin/catatonit", "--"],
    Cmd: ["sh"],
    WorkingDir: "/home/user",
    ExposedPorts: { "53/udp": {}, "8080/tcp": {} },
    Volumes: { "/data": {} },
    Labels: { maintainer: "me" },
    StopSignal: "SIGINT",
  });
});

import { runInSandbox } from "@cleanroom/core";
import { packLevel } from "../compose/compression.ts";
import type { ImageContext } from "../context.ts";

const script = `
import sys, zlib
packer = zlib.compressobj(int(sys.argv[1]), zlib.DEFLATED, 31)
with open("/work/layer", "rb") as plain, open("/work/layer.gz", "wb") as packed:
    while part := plain.read(1 << 20):
        packed.write(packer.compress(part))
    packed.write(packer.flush())
`;

/** Makes `layer.gz` of a folder's `layer`, with the pinned tools: the same on every machine. */
export async function compressLayer({ tools }: ImageContext, folder: string): Promise<void> {
  await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/work", writable: true }] },
    ["python3", "-c", script, String(packLevel.gzip)],
    { step: "compress" },
  );
}

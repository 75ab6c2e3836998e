import { readFile } from "node:fs/promises";
import { CleanroomError } from "@cleanroom/core";
import type { ImageContext } from "../context.ts";
import type { ImageFile } from "../image-file.ts";
import { compiledLocales } from "./locales.ts";
import type { StateItem } from "./requested-state.ts";
import type { RootTree } from "./root-tree.ts";

/** Where certificates come from: packages have theirs in the first, `files/` may in the second. */
const certificateFolders = ["usr/share/ca-certificates/", "usr/local/share/ca-certificates/"];
const bundleFile = "etc/ssl/certs/ca-certificates.crt";
const zoneFolder = "usr/share/zoneinfo";

/**
 * What image.yaml chooses of what its packages bring, and their installation leaves to choose:
 * certificates, the time zone and locales.
 *
 * @param requested what image.yaml and `files/` put into the image
 * @throws {CleanroomError} `certificates-missing`, `time-zone-missing`, and those of
 *   {@link compiledLocales}
 */
export async function chosenState(
  context: ImageContext,
  image: Pick<ImageFile, "certificates" | "timeZone" | "locales">,
  tree: RootTree,
  requested: readonly StateItem[],
): Promise<readonly StateItem[]> {
  const root = { uid: 0, gid: 0 };
  const items: StateItem[] = [];
  if (image.certificates) {
    const bytes = await certificateBundle(tree, requested);
    items.push({ path: bundleFile, mode: 0o644, ...root, content: { bytes } });
    // OpenSSL's own name of it (OPENSSLDIR leads here).
    const link = "certs/ca-certificates.crt";
    items.push({ path: "etc/ssl/cert.pem", mode: 0o777, ...root, content: { link } });
  }
  if (image.timeZone !== undefined) {
    if (!tree.entries.has(tree.locate(`/${zoneFolder}/${image.timeZone}`))) {
      throw new CleanroomError("time-zone-missing", `the image has no zone ${image.timeZone}`, {
        exitCode: 2,
        hint: "add tzdata to its packages, or correct timeZone",
      });
    }
    const link = `../${zoneFolder}/${image.timeZone}`;
    items.push({ path: "etc/localtime", mode: 0o777, ...root, content: { link } });
    const bytes = Buffer.from(`${image.timeZone}\n`);
    items.push({ path: "etc/timezone", mode: 0o644, ...root, content: { bytes } });
  }
  for (const { path, content } of await compiledLocales(context, image.locales)) {
    const mode = "link" in content ? 0o777 : 0o644;
    items.push({ path, mode, ...root, content });
  }
  return items.map((item) => ({ ...item, path: tree.locate(`/${item.path}`) }));
}

async function certificateBundle(
  tree: RootTree,
  requested: readonly StateItem[],
): Promise<Uint8Array> {
  const isCertificate = (path: string): boolean =>
    path.endsWith(".crt") && certificateFolders.some((folder) => path.startsWith(folder));
  const found = new Map<string, Uint8Array>();
  for (const { path, type, hostPath } of tree.entries.values()) {
    if (type === "file" && isCertificate(path)) found.set(path, await readFile(hostPath));
  }
  for (const { path, content } of requested) {
    if (isCertificate(path) && "bytes" in content) found.set(path, content.bytes);
  }
  if (found.size === 0) {
    throw new CleanroomError("certificates-missing", "the image has no certificate", {
      exitCode: 2,
      hint: "add ca-certificates to its packages, or put yours at files/usr/local/share/ca-certificates/NAME.crt",
    });
  }
  const sorted = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat(
    sorted.flatMap(([, bytes]) => [bytes, Buffer.from(bytes.at(-1) === 0x0a ? "" : "\n")]),
  );
}

import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { runInSandbox, sha256Json, type Store, type Tools } from "@cleanroom/core";
import { type DebContents, parseListing } from "./deb-contents.ts";
import type { LockedPackage } from "./lock-file.ts";

/** Raised when what is read from a .deb changes. */
const readEpoch = 1;

const script = `
dpkg-deb --control /job/package.deb /job/control
dpkg-deb --fsys-tarfile /job/package.deb > /job/data.tar
tar --list --verbose --full-time --quoting-style=c --file /job/data.tar > /job/listing
mkdir /job/payload
tar --extract --no-same-owner --no-same-permissions --file /job/data.tar --directory /job/payload
rm /job/data.tar
find /job/payload -type f -print | /usr/lib/rpm/elfdeps --requires | sort -u > /job/elf-requires
`;

/** Reads a .deb of the store in a sandbox, once; the answer is kept under its digest. */
export async function readDeb(
  store: Store,
  tools: Tools,
  deb: LockedPackage,
): Promise<DebContents> {
  const key = sha256Json(["read-deb", readEpoch, deb.sha256, tools.digest]);
  const known = await store.action(key);
  const blob = known?.outputs[0];
  if (blob !== undefined) {
    const file = await store.blob(blob.sha256);
    if (file !== undefined) return JSON.parse(await readFile(file, "utf8")) as DebContents;
  }
  return store.withTemporaryFolder("deb", async (folder) => {
    await mkdir(folder, { recursive: true });
    await store.materialize(deb.sha256, path.join(folder, "package.deb"));
    await runInSandbox(
      { root: tools.root, mounts: [{ source: folder, target: "/job", writable: true }] },
      ["sh", "-ec", script],
      { step: `read ${deb.name}` },
    );
    const text = (name: string): Promise<string> => readFile(path.join(folder, name), "utf8");
    const optional = (name: string): Promise<string> => text(name).catch(() => "");
    const contents: DebContents = {
      control: await text("control/control"),
      conffiles: await optional("control/conffiles"),
      shlibs: await optional("control/shlibs"),
      entries: parseListing(await text("listing"), deb.name),
      elfRequires: (await text("elf-requires")).split("\n").filter((line) => line !== ""),
    };
    const stored = await store.put(JSON.stringify(contents));
    await store.putAction(key, { outputs: [{ name: deb.name, ...stored }], facts: {} });
    return contents;
  });
}

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { PrivateApt } from "@cleanroom/base-import";
import { baseFileSchema, readYamlFile, run, silentLogger, type Store } from "@cleanroom/core";

const baseFile = path.resolve(import.meta.dirname, "../specs/base/debian-trixie/base.yaml");

/**
 * Programs from the base's own Debian packages, unpacked and not installed: judges that the host
 * need not have. For programs that need nothing but libc.
 *
 * @returns for each package's name the folder with its `usr`
 */
export async function debianPrograms(
  store: Store,
  folder: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const apt = await PrivateApt.open(
    store,
    "debian-trixie",
    await readYamlFile(baseFile, baseFileSchema),
  );
  await apt.ensureLists(silentLogger);
  const found = (await apt.closure(names)).filter(({ name }) => names.includes(name));
  const file = (name: string): string => path.join(folder, `${name}.deb`);
  await mkdir(folder, { recursive: true });
  await apt.fetch(
    found.map(({ name, path: uri, sha256 }) => ({ uri, sha256, target: file(name) })),
  );
  const places = new Map<string, string>();
  for (const { name } of found) {
    const place = path.join(folder, name);
    await run("dpkg-deb", ["--extract", file(name), place]);
    places.set(name, place);
  }
  return places;
}

import { createHash } from "node:crypto";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { runInSandbox, sha256, type Store, type Tools } from "@cleanroom/core";
import type { PackageToPublish } from "@cleanroom/repo-publisher";
import { readRpmHeaderBytes } from "rpm-parser";

/**
 * One real package, and copies of it under other names of the same length: in `folder`, and as blobs
 * of the store, where builds would have put them.
 */
export async function makePackages(
  tools: Tools,
  store: Store,
  folder: string,
  count: number,
): Promise<readonly PackageToPublish[]> {
  await mkdir(folder, { recursive: true });
  const files = Array.from({ length: 40 }, (_, index) => `/usr/share/package-000000/file${index}`);
  const requires = Array.from(
    { length: 12 },
    (_, index) => `Requires: library${index} >= 1.${index}`,
  );
  const spec = `Name: package-000000
Version: 1.0
Release: 1
Summary: One of many
License: MIT
BuildArch: noarch
${requires.join("\n")}
%description
Synthetic.
%install
for file in ${files.join(" ")}; do mkdir -p %{buildroot}/usr/share/package-000000; echo > %{buildroot}$file; done
%files
/usr/share/package-000000
%changelog
* Tue Nov 14 2023 Some One <one@example.org> - 1.0-1
- first
`;
  await writeFile(path.join(folder, "one.spec"), spec);
  await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/job", writable: true }] },
    [
      "sh",
      "-euc",
      "rpmbuild --quiet -bb --define '_topdir /tmp/b' --define '_tmppath /tmp' /job/one.spec; cp /tmp/b/RPMS/*/*.rpm /job/one.rpm",
    ],
  );
  const template = await readFile(path.join(folder, "one.rpm"));
  await rm(path.join(folder, "one.rpm"));
  await rm(path.join(folder, "one.spec"));
  const packages: PackageToPublish[] = [];
  for (let number = 0; number < count; number++) {
    const name = `package-${String(number).padStart(6, "0")}`;
    const bytes = renamed(template, name);
    const digest = sha256(bytes);
    const blob = store.blobPath(digest);
    mkdirSync(path.dirname(blob), { recursive: true });
    writeFileSync(blob, bytes, { mode: 0o444 });
    linkSync(blob, path.join(folder, `${name}-1.0-1.noarch.rpm`));
    packages.push({ file: blob, sha256: digest });
  }
  return packages;
}

/** The package under another name of the same length, its digests made to fit. */
function renamed(template: Buffer, name: string): Buffer {
  const bytes = Buffer.from(
    template.toString("latin1").replaceAll("package-000000", name),
    "latin1",
  );
  const { headerRange, headerSha256, signature } = readRpmHeaderBytes(template);
  const header = bytes.subarray(headerRange.start, headerRange.end);
  replaceIn(bytes, headerSha256, createHash("sha256").update(header).digest("hex"));
  const sha1 = signature.string(269);
  if (sha1 !== undefined) replaceIn(bytes, sha1, createHash("sha1").update(header).digest("hex"));
  const oldMd5 = createHash("md5").update(template.subarray(headerRange.start)).digest();
  const md5 = createHash("md5").update(bytes.subarray(headerRange.start)).digest();
  replaceIn(bytes, oldMd5.toString("latin1"), md5.toString("latin1"));
  return bytes;
}

function replaceIn(bytes: Buffer, before: string, after: string): void {
  const index = bytes.indexOf(before, 0, "latin1");
  if (index >= 0) bytes.write(after, index, "latin1");
}

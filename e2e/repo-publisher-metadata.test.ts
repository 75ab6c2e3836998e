import { cp, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { sha256, sha256File, silentLogger } from "@cleanroom/core";
import {
  importKey,
  publish,
  repositoryFileSchema,
  verifyRepository,
} from "@cleanroom/repo-publisher";
import { expect, test } from "vitest";
import {
  basePackages,
  buildPackages,
  createrepo,
  dnf,
  freshStore,
  makeSecretKey,
  specText,
} from "./repo-publisher-fixture.ts";
import { clientOf, installed, useScene, whileServing } from "./repo-publisher-scene.ts";

const logger = silentLogger;
const scene = await useScene();
const { folder, base, tools, store, packages } = scene;

/** A package that has something of everything that metadata can say. */
const richSpec = `Name: rich
Epoch: 3
Version: 1.2~rc1
Release: 4.fc40
Summary: Größe & <more> "quotes"
License: MIT AND (GPL-2.0-or-later OR Apache-2.0)
URL: https://example.org/?a=1&b=2
Vendor: The "Vendor"
Packager: Someone <someone@example.org>
Group: Development/Tools
BuildArch: noarch
Requires: plain
Requires: plain
Requires: versioned >= 2:1.0-3
Requires: versioned < 3
Requires: (one or two)
Requires: (three >= 1.0 if four)
Requires: /usr/bin/rich
Requires: /usr/share/rich/data
Requires: rich-self
Requires: libc.so.6(GLIBC_2.9)(64bit)
Requires: libc.so.6(GLIBC_2.17)(64bit)
Requires: libc.so.6()(64bit)
Requires(pre): /usr/sbin/useradd
Requires(post): coreutils
Requires(preun): sed
Requires(meta): whole
Provides: rich-self
Provides: pkgconfig(rich) = 1.2
Conflicts: poor < 1
Obsoletes: older <= 0:2.0
Recommends: nice
Suggests: nicer
Supplements: (a and b)
Enhances: other
%description
First line with  two blanks.

Last line: <b>&amp;</b>
%prep
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/rich.d %{buildroot}/usr/share/rich "%{buildroot}/usr/share/rich/a b"
echo a > %{buildroot}/usr/bin/rich
echo b > %{buildroot}/etc/rich.d/rich.conf
echo c > %{buildroot}/usr/share/rich/data
echo d > "%{buildroot}/usr/share/rich/a b/ä&é"
ln -s data %{buildroot}/usr/share/rich/link
ln %{buildroot}/usr/share/rich/data %{buildroot}/usr/share/rich/hard
%post
true
%triggerin -- plain
true
%files
%attr(0755,root,root) /usr/bin/rich
%dir /etc/rich.d
%config(noreplace) /etc/rich.d/rich.conf
%ghost /etc/rich.d/ghost
/usr/share/rich
%changelog
${Array.from(
  { length: 12 },
  (_, index) => `* Tue Nov 14 2023 Some One <one@example.org> - 1.${index}
- entry ${index} with <tags> & more
`,
).join("\n")}
`;

/** The packages' elements of a metadata file, without the time at which the .rpm came to lie there. */
async function metadataElements(repository: string, kind: string): Promise<readonly string[]> {
  const repodata = path.join(repository, "repodata");
  const name = (await readdir(repodata)).find((one) => one.endsWith(`-${kind}.xml.zst`)) ?? "";
  const text = zstdDecompressSync(await readFile(path.join(repodata, name))).toString();
  return text
    .replaceAll(/<time file="\d+"/g, "<time file=")
    .split(/(?=<package )|(?<=<\/package>)/)
    .map((element) => element.trim())
    .toSorted();
}

test("the metadata says what createrepo_c's says, to the letter", async () => {
  const built = await buildPackages(tools, path.join(folder, "rich"), {
    rich: richSpec,
    plain: specText("plain"),
  });
  const real = await basePackages(base, 25);
  const mine = await publish({
    store,
    tools,
    logger,
    packages: [...built, ...real],
    repository: "rich",
  });
  const theirs = path.join(folder, "createrepo");
  await cp(path.join(mine.folder, "Packages"), path.join(theirs, "Packages"), {
    recursive: true,
    dereference: true,
  });
  await createrepo(tools, theirs);
  for (const kind of ["primary", "filelists", "other"]) {
    expect(await metadataElements(mine.folder, kind)).toEqual(await metadataElements(theirs, kind));
  }
});

test("clients from before zstd get gzip", async () => {
  const old = await publish({
    store,
    tools,
    logger,
    packages,
    compression: "gzip",
    repository: "old",
  });
  const repodata = path.join(old.folder, "repodata");
  const names = await readdir(repodata);
  const primary = names.find((one) => one.endsWith("-primary.xml.gz")) ?? "";
  expect(gunzipSync(await readFile(path.join(repodata, primary))).toString()).toContain(
    "<name>hello</name>",
  );
  expect(names.filter((one) => one.endsWith(".zst"))).toEqual([]);
  await whileServing({ folder: old.folder }, async ({ url }) => {
    const client = await clientOf(scene, "old", url);
    expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
  });
});

test("the same packages and the same key give the same bytes on every machine", async () => {
  const secret = await makeSecretKey(tools);
  const contents = await Promise.all(
    ["here", "there"].map(async (name) => {
      const elsewhere = await freshStore(path.join(folder, name));
      const context = { store: elsewhere, tools, logger };
      await importKey(context, "shared", secret);
      const one = await publish({ ...context, packages: packages.toReversed(), key: "shared" });
      const files = (await readdir(one.folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name !== "cleanroom.repo")
        .map((entry) => path.relative(one.folder, path.join(entry.parentPath, entry.name)));
      const digests = files.map(async (file) => [
        file,
        await sha256File(path.join(one.folder, file)),
      ]);
      return { id: one.id, files: Object.fromEntries(await Promise.all(digests)) as unknown };
    }),
  );
  expect(contents[0]).toEqual(contents[1]);
});

test("dnf shows the groups and updates of a repository", async () => {
  const extras = repositoryFileSchema.parse({
    groups: [{ id: "greetings", name: "Greetings", packages: ["hello"] }],
    updates: [
      {
        id: "CR-1",
        type: "security",
        severity: "Low",
        issued: "2026-01-31",
        title: "hello",
        packages: ["hello"],
      },
    ],
  });
  const told = await publish({ store, tools, logger, packages, extras, repository: "told" });
  await whileServing({ folder: told.folder }, async ({ url }) => {
    const client = await clientOf(scene, "told", url);
    expect((await dnf(client, ["group", "list"])).stdout).toContain("Greetings");
    expect(await dnf(client, ["group", "install", "greetings"])).toMatchObject({ exitCode: 0 });
    expect(installed(client, "hello")).toBe(true);
    const updates = await dnf(client, ["updateinfo", "list", "--all"]);
    expect(updates.stdout).toMatch(/CR-1 +Low\/Sec\. +hello-1\.0-1\.noarch/);
  });
});

test("the provenance of each build is published with its packages", async () => {
  const statement = (name: string): string => `{"subject":"${name}"}\n`;
  const described = await Promise.all(
    packages.map(async (one) => ({
      ...one,
      provenance: (await store.put(statement(one.sha256))).sha256,
    })),
  );
  const plain = await publish({ store, tools, logger, packages, repository: "proven" });
  const options = { store, tools, logger, packages: described, repository: "proven" };
  const { id, folder: published, packages: records } = await publish(options);
  expect(id).not.toBe(plain.id);
  const repodata = path.join(published, "repodata");
  const name = (await readdir(repodata)).find((one) => one.endsWith("-provenance.jsonl.zst")) ?? "";
  const text = zstdDecompressSync(await readFile(path.join(repodata, name))).toString();
  const digestOf = new Map(text.split(/(?<=\n)/).map((line) => [sha256(line), line]));
  for (const { provenance, unsignedSha256 } of records) {
    expect(digestOf.get(provenance ?? "")).toBe(statement(unsignedSha256));
  }
  await whileServing({ folder: published }, async ({ url }) => {
    const client = await clientOf(scene, "proven", url);
    expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
  });
  const verified = await verifyRepository({ store, tools, logger, target: published });
  expect(verified.problems).toEqual([]);
});

import { expect, test } from "vitest";
import type { PublishedPackage } from "../published-package.ts";
import { groupsXml } from "./groups-xml.ts";
import { repositoryFileSchema } from "./repository-file.ts";
import { isOf, updatesXml } from "./updates-xml.ts";

const file = repositoryFileSchema.parse({
  groups: [{ id: "gtk", name: "Gtk+ & friends", packages: ["gtk3", "glib2"] }],
  updates: [
    {
      id: "CR-2026-1",
      type: "security",
      severity: "Important",
      issued: "2026-01-31",
      title: "glib2",
      references: [{ id: "CVE-2026-1", url: "https://example.org/CVE-2026-1" }],
      packages: ["glib2"],
    },
  ],
});

const devel = {
  name: "glib2-devel",
  epoch: null,
  version: "2.84.4",
  release: "1",
  arch: "x86_64",
  sourceRpm: "glib2-2.84.4-1.src.rpm",
  location: "Packages/g/glib2-devel-2.84.4-1.x86_64.0123456789ab.rpm",
} as PublishedPackage;

test("groups name their packages", () => {
  const xml = groupsXml(file.groups);
  expect(xml).toContain("<name>Gtk+ &amp; friends</name>");
  expect(xml).toContain('<packagereq type="mandatory">glib2</packagereq>');
});

test("an update of a source package is one of all its packages, told by the changelog", () => {
  const xml = updatesXml("cleanroom", file.updates, [devel], () => "- fixed <it>");
  expect(xml).toContain('<update from="cleanroom" status="final" type="security" version="1">');
  expect(xml).toContain("<severity>Important</severity>");
  expect(xml).toContain("<description>- fixed &lt;it&gt;</description>");
  expect(xml).toContain('title="CVE-2026-1" type="cve"/>');
  expect(xml).toContain(
    '<package name="glib2-devel" epoch="0" version="2.84.4" release="1" arch="x86_64" src="glib2-2.84.4-1.src.rpm">',
  );
});

test("vulnerabilities that the changelog names are references", () => {
  const bare = file.updates.map((update) => ({ ...update, references: [] }));
  const change = (): string => "- CVE-2026-12345: mended; see also CVE-2025-0001, CVE-2026-12345";
  const xml = updatesXml("cleanroom", bare, [devel], change);
  expect(xml.match(/<reference [^>]*id="[^"]+"/g)).toHaveLength(2);
  expect(xml).toContain('href="https://www.cve.org/CVERecord?id=CVE-2026-12345"');
});

test("a source package's name may hold hyphens", () => {
  expect(
    isOf({ name: "a", sourceRpm: "at-spi2-core-2.56.2-1.cr1.src.rpm" }, ["at-spi2-core"]),
  ).toBe(true);
  expect(isOf({ name: "a", sourceRpm: "at-spi2-core-2.56.2-1.cr1.src.rpm" }, ["at-spi2"])).toBe(
    false,
  );
});

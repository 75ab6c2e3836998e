import type { PublishedPackage } from "../published-package.ts";
import { xmlAttributes, xmlText } from "../metadata/xml.ts";
import type { Update } from "./repository-file.ts";

/**
 * updateinfo.xml: the advisories of a repository, in the format that libdnf and libsolv read
 * (libsolv's `ext/repo_updateinfoxml.c`).
 *
 * An update without references has those of the vulnerabilities that its description names.
 *
 * @param newestChange the newest changelog entry of a package, for updates without a description
 */
export function updatesXml(
  repository: string,
  updates: readonly Update[],
  packages: readonly PublishedPackage[],
  newestChange: (one: PublishedPackage) => string,
): string {
  const elements = updates.map((update) => {
    const affected = packages.filter((one) => isOf(one, update.packages));
    const [first] = affected;
    const description = update.description ?? (first === undefined ? "" : newestChange(first));
    const { references } = update;
    const known = references.length > 0 ? references : vulnerabilitiesIn(description);
    return updateXml(repository, { ...update, references: known }, description, affected);
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n${elements.join("")}</updates>\n`;
}

/** The vulnerabilities that a changelog entry says it mends. */
function vulnerabilitiesIn(text: string): Update["references"] {
  const ids = new Set(text.match(/\bCVE-\d{4}-\d{4,}\b/g));
  return [...ids].map((id) => ({ id, url: `https://www.cve.org/CVERecord?id=${id}` }));
}

/** Whether a package has one of the names, or comes from a source package that has. */
export function isOf(
  { name, sourceRpm }: Pick<PublishedPackage, "name" | "sourceRpm">,
  names: readonly string[],
): boolean {
  // name-version-release.src.rpm: neither version nor release can hold a hyphen.
  const source = sourceRpm?.replace(/-[^-]+-[^-]+$/, "");
  return names.includes(name) || (source !== undefined && names.includes(source));
}

function updateXml(
  repository: string,
  { id, type, severity, issued, title, references }: Update,
  description: string,
  packages: readonly PublishedPackage[],
): string {
  const root = xmlAttributes({ from: repository, status: "final", type, version: 1 });
  const links = references.map(({ id: name, url }) => {
    const kind = name.startsWith("CVE-") ? "cve" : "other";
    return `      <reference${xmlAttributes({ href: url, id: name, title: name, type: kind })}/>\n`;
  });
  const severityXml = severity === undefined ? "" : `    <severity>${severity}</severity>\n`;
  return `  <update${root}>
    <id>${xmlText(id)}</id>
    <title>${xmlText(title)}</title>
    <issued date="${issued} 00:00:00"/>
${severityXml}    <description>${xmlText(description)}</description>
    <references>
${links.join("")}    </references>
    <pkglist>
      <collection${xmlAttributes({ short: repository })}>
        <name>${xmlText(repository)}</name>
${packages.map(packageXml).join("")}      </collection>
    </pkglist>
  </update>
`;
}

function packageXml(one: PublishedPackage): string {
  const { name, epoch, version, release, arch, sourceRpm } = one;
  const attributes = {
    name,
    epoch: epoch ?? 0,
    version,
    release,
    arch,
    src: sourceRpm ?? undefined,
  };
  const fileName = one.location.split("/").at(-1) ?? "";
  return `        <package${xmlAttributes(attributes)}>
          <filename>${xmlText(fileName)}</filename>
        </package>
`;
}

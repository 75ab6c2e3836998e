import { xmlText } from "../metadata/xml.ts";
import type { PackageGroup } from "./repository-file.ts";

/**
 * comps.xml: the groups of a repository. The format is that of `comps.dtd` of Fedora's comps, as far
 * as dnf reads it.
 */
export function groupsXml(groups: readonly PackageGroup[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
${groups.map(groupXml).join("")}</comps>
`;
}

function groupXml({ id, name, description, packages }: PackageGroup): string {
  const members = packages.map(
    (one) => `      <packagereq type="mandatory">${xmlText(one)}</packagereq>\n`,
  );
  return `  <group>
    <id>${xmlText(id)}</id>
    <name>${xmlText(name)}</name>
    <description>${xmlText(description)}</description>
    <default>false</default>
    <uservisible>true</uservisible>
    <packagelist>
${members.join("")}    </packagelist>
  </group>
`;
}

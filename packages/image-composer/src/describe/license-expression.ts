import { sha256 } from "@cleanroom/core";

/** An SPDX licence expression, and what its `LicenseRef-` names stand for. */
export interface LicenseExpression {
  readonly expression: string;
  readonly references: ReadonlyMap<string, string>;
}

/** A licence identifier of the SPDX list, or a reference (SPDX 2.3, annex D). */
const identifier = /^(LicenseRef-)?[A-Za-z0-9][A-Za-z0-9.-]*\+?$/;

/**
 * The License of a package as an SPDX expression. Text that is none becomes a reference with the
 * text itself beside it, so that nothing is lost and nothing is guessed.
 */
export function licenseOf(license: string): LicenseExpression {
  const words = license.replaceAll(/[()]/g, " ").trim().split(/\s+/);
  const isExpression =
    license.trim() !== "" &&
    words.length % 2 === 1 &&
    words.every((word, index) =>
      index % 2 === 0 ? identifier.test(word) : /^(AND|OR|WITH)$/.test(word),
    ) &&
    license.split("(").length === license.split(")").length;
  if (!isExpression) {
    if (license.trim() === "") return { expression: "NOASSERTION", references: new Map() };
    const name = `LicenseRef-rpm-${sha256(license).slice(0, 12)}`;
    return { expression: name, references: new Map([[name, license]]) };
  }
  const references = words.filter((word) => word.startsWith("LicenseRef-"));
  return {
    expression: license.trim(),
    references: new Map(
      references.map((name) => [
        name,
        name === "LicenseRef-Debian-copyright-file"
          ? "The terms are in the package's /usr/share/doc/NAME/copyright."
          : `The terms are those that the package calls ${name}.`,
      ]),
    ),
  };
}

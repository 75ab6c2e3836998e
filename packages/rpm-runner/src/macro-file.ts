/**
 * Macros in the format of rpm's macro files: `%name body`, lines of a body joined by backslashes.
 */
export function macroFileText(macros: Readonly<Record<string, string>>): string {
  return Object.entries(macros)
    .map(([name, body]) => `%${name} ${body.replaceAll("\n", "\\\n")}\n`)
    .join("");
}

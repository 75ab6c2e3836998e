import { CleanroomError, formatPlace, type Place } from "@cleanroom/core";
import type { ChainLink, Severity, SpecDiagnostic } from "../macro/host.ts";

/** Gathers what there is to say about a spec, in the order it was found. */
export class Diagnostics {
  readonly #found: SpecDiagnostic[] = [];
  /** What the first pass over a spec said, where there is a second. */
  readonly #seenBefore = new Set<string>();
  #dropped = 0;

  add(
    severity: Severity,
    code: string,
    message: string,
    place: Place,
    chain: readonly ChainLink[] = [],
  ): void {
    if (this.#seenBefore.has(keyOf(code, message, place))) return;
    // A hostile spec can produce any number of them; nobody reads more than these.
    if (this.#found.length >= 1000) this.#dropped += 1;
    else this.#found.push({ code, message, severity, place, chain });
  }

  get all(): readonly SpecDiagnostic[] {
    return this.#found;
  }

  get hasErrors(): boolean {
    return this.#dropped > 0 || this.#found.some((one) => one.severity === "error");
  }

  /**
   * Begins the second pass over a spec that is read twice. What the first said stays, for a macro that
   * it defined is not made again: a value that was not known then is not known now. Said again, it
   * counts once.
   */
  startAgain(): void {
    for (const { code, message, place } of this.#found) {
      this.#seenBefore.add(keyOf(code, message, place));
    }
  }
}

function keyOf(code: string, message: string, { file, line, column }: Place): string {
  return `${code}\0${message}\0${file}\0${line}\0${column}`;
}

/**
 * A diagnostic for people: `file:line:column: code: message`, the line it is about with a caret, and
 * the macros and includes it came through.
 *
 * @param text the file's text, for the caret line.
 */
export function formatDiagnostic(diagnostic: SpecDiagnostic, text?: string): string {
  const { place, code, message, chain } = diagnostic;
  const where = formatPlace(place);
  const lines = [`${where === "" ? "" : `${where}: `}${code}: ${message}`];
  const source = place.line === undefined ? undefined : text?.split("\n")[place.line - 1];
  if (source !== undefined && source.length < 400) {
    const column = place.column ?? 1;
    lines.push(`  ${source}`, `  ${source.slice(0, column - 1).replace(/[^\t]/g, " ")}^`);
  }
  for (const link of chain) {
    const from = formatPlace(link.place);
    lines.push(`  through ${link.through}${from === "" ? "" : ` (${from})`}`);
  }
  return lines.join("\n");
}

/** A diagnostic as the error it is, for callers that stop at the first. */
export function diagnosticError(diagnostic: SpecDiagnostic): CleanroomError {
  return new CleanroomError(diagnostic.code, diagnostic.message, { place: diagnostic.place });
}

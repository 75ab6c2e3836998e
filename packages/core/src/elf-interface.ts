import { ElfView, readElfNeeds } from "./elf.ts";

/** What other files can link to in a shared library. */
export interface ElfInterface {
  readonly soname: string;
  readonly needed: readonly string[];
  /**
   * Its exported symbols, sorted: name and version, what it is, how it binds, and the size of data,
   * which programs copy. `g_free@@BASE function global`.
   */
  readonly symbols: readonly string[];
  /** Whether it describes the layout of its types for debuggers. */
  readonly hasDebugInfo: boolean;
}

const sectionTypes = { dynsym: 11, versions: 0x6fff_ffff, definitions: 0x6fff_fffd } as const;
const symbolTypes = ["none", "data", "function", "section", "file", "common", "tls"] as const;
const indirectFunction = 10;
const bindings = new Map([
  [1, "global"],
  [2, "weak"],
  [10, "unique"],
]);
/** Sizes that a program that uses the symbol depends on. */
const sizedTypes = new Set<string>(["data", "common", "tls"]);

/**
 * Reads the interface of a shared library (System V ABI, chapter 4; symbol versions as in the LSB).
 *
 * @returns undefined for what is none: another file, a program, a module without a name of its own,
 *   a file without section headers, or a damaged one
 */
export function readElfInterface(bytes: Uint8Array): ElfInterface | undefined {
  const needs = readElfNeeds(bytes);
  const elf = ElfView.open(bytes);
  if (elf === undefined || needs?.soname === undefined) return undefined;
  try {
    const symbols = exportedSymbols(elf);
    if (symbols === undefined) return undefined;
    const hasDebugInfo = elf.sections().some(({ name }) => name === ".debug_info");
    return { soname: needs.soname, needed: needs.needed, symbols, hasDebugInfo };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function exportedSymbols(elf: ElfView): string[] | undefined {
  const sections = elf.sections();
  const table = sections.find(({ type }) => type === sectionTypes.dynsym);
  const strings = sections[table?.link ?? -1];
  if (table === undefined || strings === undefined) return undefined;
  const versions = sections.find(({ type }) => type === sectionTypes.versions);
  const versionNames = definedVersions(elf);
  const entryBytes = elf.wideBytes === 8 ? 24 : 16;
  const found: string[] = [];
  for (let index = 1; (index + 1) * entryBytes <= table.size; index += 1) {
    const symbol = readSymbol(elf, table.offset + index * entryBytes);
    const binding = bindings.get(symbol.info >> 4);
    const isVisible = (symbol.other & 3) === 0 || (symbol.other & 3) === 3;
    if (binding === undefined || symbol.section === 0 || !isVisible) continue;
    const version = versions === undefined ? 1 : elf.half(versions.offset + index * 2);
    const kind = symbol.info & 15;
    const type = kind === indirectFunction ? "indirect" : (symbolTypes[kind] ?? `type ${kind}`);
    const name = `${elf.text(strings.offset + symbol.name)}${versionSuffix(version, versionNames)}`;
    found.push(`${name} ${type} ${binding}${sizedTypes.has(type) ? ` ${symbol.size}` : ""}`);
  }
  return found.toSorted();
}

interface ElfSymbol {
  readonly name: number;
  readonly info: number;
  readonly other: number;
  readonly section: number;
  readonly size: bigint;
}

function readSymbol(elf: ElfView, at: number): ElfSymbol {
  const is64 = elf.wideBytes === 8;
  const info = at + (is64 ? 4 : 12);
  return {
    name: elf.word(at),
    info: elf.byte(info),
    other: elf.byte(info + 1),
    section: elf.half(info + 2),
    size: is64 ? elf.wide(at + 16) : BigInt(elf.word(at + 8)),
  };
}

/** `@@VERSION` of a symbol that new links take, `@VERSION` of one kept for old ones. */
function versionSuffix(version: number, names: ReadonlyMap<number, string>): string {
  const name = names.get(version & 0x7fff);
  if (name === undefined) return "";
  return `${(version & 0x8000) === 0 ? "@@" : "@"}${name}`;
}

/** Names of the versions that a library defines, by their numbers; the first is the library's own. */
function definedVersions(elf: ElfView): ReadonlyMap<number, string> {
  const sections = elf.sections();
  const section = sections.find(({ type }) => type === sectionTypes.definitions);
  const strings = sections[section?.link ?? -1];
  const names = new Map<number, string>();
  if (section === undefined || strings === undefined) return names;
  const end = section.offset + section.size;
  for (let at = section.offset; at + 20 <= end;) {
    const isBase = (elf.half(at + 2) & 1) === 1;
    const auxiliary = at + elf.word(at + 12);
    if (!isBase) names.set(elf.half(at + 4), elf.text(strings.offset + elf.word(auxiliary)));
    const next = elf.word(at + 16);
    if (next === 0) break;
    at += next;
  }
  return names;
}

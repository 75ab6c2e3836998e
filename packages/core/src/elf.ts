/** What an ELF file asks the loader for. */
export interface ElfNeeds {
  /** Its own name as a library; undefined for programs and modules. */
  readonly soname: string | undefined;
  /** Libraries that the loader must find (`DT_NEEDED`), in the file's order. */
  readonly needed: readonly string[];
  /**
   * Other names of libraries among its strings, as dlopen(3) takes them, sorted. That one stands
   * there does not say that it is ever opened.
   */
  readonly named: readonly string[];
}

const programLoad = 1;
const programDynamic = 2;
const tagNeeded = 1n;
const tagStrings = 5n;
const tagSoname = 14n;

const libraryName = /(?<=\0)(?:[\w./+-]*\/)?(lib[\w+.-]+\.so(?:\.\d+)*)(?=\0)/g;

/**
 * Reads an ELF file (System V ABI, chapters 4 and 5): either class, either byte order.
 *
 * @returns undefined for what is no ELF file, or a damaged one
 */
export function readElfNeeds(bytes: Uint8Array): ElfNeeds | undefined {
  const elf = ElfView.open(bytes);
  if (elf === undefined) return undefined;
  try {
    const { soname, needed } = dynamicNames(elf);
    const known = new Set([...needed, soname]);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const named = new Set([...text.matchAll(libraryName)].map(([, name = ""]) => name));
    return { soname, needed, named: [...named].filter((name) => !known.has(name)).toSorted() };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** Index of the section that it refers to. */
  readonly link: number;
}

/** Numbers of an ELF file by its class and byte order. */
export class ElfView {
  readonly #view: DataView;
  readonly #is64: boolean;
  readonly #isLittle: boolean;

  private constructor(view: DataView) {
    this.#view = view;
    this.#is64 = view.getUint8(4) === 2;
    this.#isLittle = view.getUint8(5) === 1;
  }

  static open(bytes: Uint8Array): ElfView | undefined {
    if (bytes.length < 52) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return view.getUint32(0) === 0x7f_45_4c_46 ? new ElfView(view) : undefined;
  }

  byte(offset: number): number {
    return this.#view.getUint8(offset);
  }

  half(offset: number): number {
    return this.#view.getUint16(offset, this.#isLittle);
  }

  word(offset: number): number {
    return this.#view.getUint32(offset, this.#isLittle);
  }

  /** A number as wide as the class's addresses. */
  wide(offset: number): bigint {
    return this.#is64 ? this.#view.getBigUint64(offset, this.#isLittle) : BigInt(this.word(offset));
  }

  get wideBytes(): number {
    return this.#is64 ? 8 : 4;
  }

  segments(): Segment[] {
    const table = Number(this.wide(this.#is64 ? 32 : 28));
    const entryBytes = this.half(this.#is64 ? 54 : 42);
    const count = this.half(this.#is64 ? 56 : 44);
    return Array.from({ length: count }, (_, index) => {
      const at = table + index * entryBytes;
      const [offset, address, size] = this.#is64 ? [8, 16, 32] : [4, 8, 16];
      return {
        type: this.word(at),
        offset: Number(this.wide(at + offset)),
        address: this.wide(at + address),
        size: Number(this.wide(at + size)),
      };
    });
  }

  sections(): Section[] {
    const table = Number(this.wide(this.#is64 ? 40 : 32));
    if (table === 0) return [];
    const entryBytes = this.half(this.#is64 ? 58 : 46);
    const count = this.half(this.#is64 ? 60 : 48);
    const namesIndex = this.half(this.#is64 ? 62 : 50);
    const offsetOf = (index: number): number =>
      Number(this.wide(table + index * entryBytes + (this.#is64 ? 24 : 16)));
    const names = offsetOf(namesIndex);
    return Array.from({ length: count }, (_, index) => {
      const at = table + index * entryBytes;
      const [size, link] = this.#is64 ? [32, 40] : [20, 24];
      return {
        name: this.text(names + this.word(at)),
        type: this.word(at + 4),
        offset: offsetOf(index),
        size: Number(this.wide(at + size)),
        link: this.word(at + link),
      };
    });
  }

  /** The text up to the next zero byte. */
  text(offset: number): string {
    let end = offset;
    while (this.#view.getUint8(end) !== 0) end += 1;
    return Buffer.from(
      this.#view.buffer as ArrayBuffer,
      this.#view.byteOffset + offset,
      end - offset,
    ).toString("latin1");
  }
}

function dynamicNames(elf: ElfView): { soname: string | undefined; needed: string[] } {
  const segments = elf.segments();
  const dynamic = segments.find(({ type }) => type === programDynamic);
  const entries = dynamic === undefined ? [] : dynamicEntries(elf, dynamic);
  const address = entries.find(({ tag }) => tag === tagStrings)?.value;
  const home = segments.find(
    (one) =>
      one.type === programLoad &&
      address !== undefined &&
      address >= one.address &&
      address < one.address + BigInt(one.size),
  );
  if (home === undefined || address === undefined) return { soname: undefined, needed: [] };
  const strings = home.offset + Number(address - home.address);
  const names = (wanted: bigint): string[] =>
    entries.flatMap(({ tag, value }) =>
      tag === wanted ? [elf.text(strings + Number(value))] : [],
    );
  return { soname: names(tagSoname)[0], needed: names(tagNeeded) };
}

function dynamicEntries(
  elf: ElfView,
  { offset, size }: Segment,
): { readonly tag: bigint; readonly value: bigint }[] {
  const bytes = elf.wideBytes;
  const entries: { tag: bigint; value: bigint }[] = [];
  for (let at = offset; at + 2 * bytes <= offset + size; at += 2 * bytes) {
    const tag = elf.wide(at);
    if (tag === 0n) break;
    entries.push({ tag, value: elf.wide(at + bytes) });
  }
  return entries;
}

// Specs of a made-up stack: a graph of tiny C libraries that call each other, each with its header,
// its .pc file and a test. The same count gives the same graph.
//   node tools/bench/synthetic-specs.ts FOLDER COUNT
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** One library: what it calls are those it needs. */
export interface SyntheticLibrary {
  readonly name: string;
  readonly needs: readonly string[];
}

/** At most so many libraries are called by one. */
const needsMax = 3;

/**
 * A graph of libraries, each after what it needs. The first is needed by all others, directly or
 * not; of the others each needs one to three, mostly near ones, as in a distribution.
 */
export function syntheticLibraries(count: number): SyntheticLibrary[] {
  const random = randomNumbers(1);
  const nameOf = (index: number): string => `lib${String(index).padStart(4, "0")}`;
  return Array.from({ length: count }, (_, index) => {
    const needs = new Set<number>();
    const wanted = index === 0 ? 0 : 1 + Math.floor(random() * needsMax);
    for (let one = 0; one < wanted; one += 1) {
      // The square root makes chains about as long as a real stack's: some tens at 4,000.
      const reach = Math.ceil(index / (2 + random() * 6));
      needs.add(Math.max(0, Math.floor(random() * reach)));
    }
    return {
      name: nameOf(index),
      needs: [...needs].toSorted((a, b) => a - b).map((need) => nameOf(need)),
    };
  });
}

/** Numbers from 0 to 1 (mulberry32), the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The files of one library's folder in specs/rpm, by name. */
export function syntheticFiles({
  name,
  needs,
}: SyntheticLibrary): Readonly<Record<string, string>> {
  const calls = needs.map((need) => ` + ${need}_value()`).join("");
  return {
    [`${name}.spec`]: `# A library of a made-up stack.
Name:           ${name}
Version:        1.0
Release:        1%{?dist}
Summary:        Library ${name}
License:        MIT
Source0:        ${name}.c
Source1:        ${name}.h
Source2:        ${name}-test.c
BuildRequires:  gcc
${needs.map((need) => `BuildRequires:  pkgconfig(${need})\n`).join("")}
%description
A library.

%package        devel
Summary:        Header of ${name}
Requires:       %{name}%{?_isa} = %{version}-%{release}

%description    devel
Its header.

%prep
%setup -q -c -T
cp %{SOURCE0} %{SOURCE1} %{SOURCE2} .

%build
${needs.length === 0 ? "flags=" : `flags="$(pkg-config --cflags --libs ${needs.join(" ")})"`}
gcc %{optflags} -shared -fPIC -Wl,-soname,${name}.so.1 -o ${name}.so.1 ${name}.c $flags
ln -s ${name}.so.1 ${name}.so
gcc %{optflags} -o ${name}-test ${name}-test.c ./${name}.so $flags

%install
install -D -m 755 ${name}.so.1 %{buildroot}%{_libdir}/${name}.so.1
ln -s ${name}.so.1 %{buildroot}%{_libdir}/${name}.so
install -D -m 644 ${name}.h %{buildroot}%{_includedir}/${name}.h
install -d %{buildroot}%{_libdir}/pkgconfig
cat > %{buildroot}%{_libdir}/pkgconfig/${name}.pc <<END
Name: ${name}
Description: Library
Version: %{version}
Libs: -l:${name}.so
END

%check
LD_LIBRARY_PATH=. ./${name}-test

%files
%{_libdir}/${name}.so.1

%files devel
%{_includedir}/${name}.h
%{_libdir}/${name}.so
%{_libdir}/pkgconfig/${name}.pc

%changelog
* Mon Jan 06 2025 Some One <one@example.org> - 1.0-1
- First
`,
    [`${name}.h`]: `int ${name}_value(void);\n`,
    [`${name}.c`]: `/* One of many. */
${[name, ...needs].map((one) => `#include <${one}.h>\n`).join("")}
int ${name}_value(void) {
  return 1${calls};
}
`.replace(`<${name}.h>`, `"${name}.h"`),
    [`${name}-test.c`]: `#include "${name}.h"
int main(void) {
  return ${name}_value() > 0 ? 0 : 1;
}
`,
  };
}

/** Writes the folders of a stack into a folder that stands for specs/rpm. */
export async function writeSyntheticSpecs(
  folder: string,
  libraries: readonly SyntheticLibrary[],
): Promise<void> {
  for (const library of libraries) {
    const target = path.join(folder, library.name);
    await mkdir(target, { recursive: true });
    for (const [name, text] of Object.entries(syntheticFiles(library))) {
      await writeFile(path.join(target, name), text);
    }
  }
}

if (import.meta.main) {
  const [folder, count] = process.argv.slice(2);
  if (folder === undefined || !(Number(count) > 0)) {
    throw new Error("usage: node tools/bench/synthetic-specs.ts FOLDER COUNT");
  }
  await writeSyntheticSpecs(folder, syntheticLibraries(Number(count)));
}

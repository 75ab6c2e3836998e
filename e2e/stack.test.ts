import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { mapConcurrent, run } from "@cleanroom/core";
import { openRpmPackage, readPayload, type RpmHeader } from "rpm-parser";
import { beforeAll, describe, expect, test } from "vitest";
import { Workspace } from "./workspace.ts";

/** The Gtk+ stack, as a whole: every package of specs/rpm, built. */

interface Elf {
  /** `gtk3: /usr/lib64/libgtk-3.so.0` */
  readonly label: string;
  readonly mode: number;
  /** What readelf says of headers, sections, program headers, dynamic section and symbols. */
  readonly text: string;
  /** What could be handed to dlopen: names of X11's libraries in its strings. */
  readonly x11Names: readonly string[];
}

/** `libX11.so.6`, `libxcb-render.so.0`, `libGLX.so.0`: X11's libraries, and what draws with them. */
const x11Library = /lib(?:X|xcb|GLX|ICE|SM\b)[\w.-]*\.so/;

let workspace: Workspace;
let headers: ReadonlyMap<string, RpmHeader>;
let elves: readonly Elf[];
/** Scripts that can be executed, with their first lines. */
let scripts: readonly { readonly label: string; readonly firstLine: string }[];

beforeAll(async () => {
  workspace = await Workspace.copy();
  const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build"]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
  const files = await builtRpms();
  const read = await mapConcurrent(files, 2, readRpm);
  headers = new Map(read.map(({ header }) => [header.name, header]));
  elves = read.flatMap((one) => one.elves);
  scripts = read.flatMap((one) => one.scripts);
});

async function builtRpms(): Promise<string[]> {
  const folder = workspace.path("dist/rpms");
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(".rpm")).map((name) => path.join(folder, name));
}

/** Packages of debug information hold ELF files of another kind. */
const isDebugInformation = (file: string): boolean => file.startsWith("/usr/lib/debug/");

async function readRpm(
  file: string,
): Promise<{ header: RpmHeader; elves: Elf[]; scripts: (typeof scripts)[number][] }> {
  const rpm = await openRpmPackage(createReadStream(file));
  const folder = await mkdtemp(path.join(tmpdir(), "elf-"));
  const found: Elf[] = [];
  const foundScripts: (typeof scripts)[number][] = [];
  for await (const { file: entry, data } of readPayload(rpm)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of data) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const label = `${rpm.header.name}: ${entry.path}`;
    if ((entry.mode & 0o111) !== 0 && bytes.subarray(0, 2).toString("latin1") === "#!") {
      foundScripts.push({ label, firstLine: bytes.toString("utf8").split("\n", 1)[0] ?? "" });
    }
    if (isDebugInformation(entry.path)) continue;
    if (!bytes.subarray(0, 4).equals(Buffer.from("\u007FELF", "latin1"))) continue;
    const target = path.join(folder, `${found.length}`);
    await writeFile(target, bytes);
    const { stdout } = await run("readelf", ["-hSldW", "--dyn-syms", target]);
    const x11Names = bytes.toString("latin1").match(new RegExp(x11Library, "g")) ?? [];
    found.push({ label, mode: entry.mode, text: stdout, x11Names });
  }
  await rpm.close();
  return { header: rpm.header, elves: found, scripts: foundScripts };
}

const without = (pattern: RegExp): string[] =>
  elves.filter(({ text }) => !pattern.test(text)).map(({ label }) => label);

describe("every ELF file", () => {
  test("there are some", () => {
    expect(elves.length).toBeGreaterThan(20);
  });

  test("is position independent", () => {
    expect(without(/Type:\s+DYN/)).toEqual([]);
  });

  test("has its relocations made read-only, all of them at start", () => {
    expect(without(/GNU_RELRO/)).toEqual([]);
    expect(without(/BIND_NOW|FLAGS_1.*NOW/)).toEqual([]);
  });

  test("has a stack that cannot be executed", () => {
    expect(without(/GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW\s/)).toEqual([]);
  });

  test("needs no X11 library, and has none's name to hand to dlopen", () => {
    const x11 = new RegExp(`\\(NEEDED\\).*\\[${x11Library.source}`);
    expect(elves.filter(({ text }) => x11.test(text)).map(({ label }) => label)).toEqual([]);
    const named = elves.filter(({ x11Names }) => x11Names.length > 0);
    expect(named.map(({ label, x11Names }) => `${label}: ${x11Names.join(" ")}`)).toEqual([]);
  });

  test("is stripped of symbols and debug information", () => {
    const symbols = / \.(?:symtab|debug_\w+) /;
    expect(elves.filter(({ text }) => symbols.test(text)).map(({ label }) => label)).toEqual([]);
  });

  test("has no search path built in", () => {
    const path_ = /\((RPATH|RUNPATH)\)/;
    expect(elves.filter(({ text }) => path_.test(text)).map(({ label }) => label)).toEqual([]);
  });
});

test("libraries are compiled with stack protector and fortified functions", () => {
  const large = elves.filter(({ label }) =>
    /lib(gtk-3|glib-2\.0|gio-2\.0|cairo|vte-2\.91)\.so/.test(label),
  );
  expect(large.length).toBeGreaterThanOrEqual(4);
  for (const { label, text } of large) {
    expect(`${label} ${text.includes("__stack_chk_fail")}`).toBe(`${label} true`);
    expect(`${label} ${/__\w+_chk\b/.test(text.replaceAll("__stack_chk_fail", ""))}`).toBe(
      `${label} true`,
    );
  }
});

test("scripts name their interpreters by path", () => {
  expect(scripts.length).toBeGreaterThan(3);
  const wrong = scripts.filter(({ firstLine }) => !/^#! ?\/(?!usr\/bin\/env\b)/.test(firstLine));
  expect(wrong).toEqual([]);
});

test("no package requires what X11 supplies", () => {
  const x11 =
    /^(?:pkgconfig\((?:x|xcb)[\w-]*\)|lib(?:X|xcb|GLX|ICE|SM\b)|libx(?:11|cb|ext|render|ft|i6)|xorg-|x11-)/;
  const wrong = [...headers.values()].flatMap(({ name, requires }) =>
    requires.filter((one) => x11.test(one.name)).map((one) => `${name}: ${one.name}`),
  );
  expect(wrong).toEqual([]);
});

test("no build root held X11, its headers, or a library that links it", async () => {
  const names = await readdir(workspace.path("dist/rpms"));
  const held = await Promise.all(
    names.map(async (name) => {
      const packages = await buildRootOf(name);
      expect(packages.length).toBeGreaterThan(100);
      return packages.filter((one) => x11Package.test(one)).map((one) => `${name}: ${one}`);
    }),
  );
  expect(held.flat()).toEqual([]);
});

/** Debian's names of X11's packages, and of those that draw with it. */
const x11Package =
  /^(?:libx(?:11|au|cb|composite|cursor|damage|dmcp|ext|fixes|ft|inerama|i6|i-dev|randr|render|tst)|libice|libsm\d|libgl1|libglx|libegl-mesa|mesa-|x11|xorg-|xtrans)/;

/** The packages of the root that a package was built in, as its provenance tells. */
async function buildRootOf(name: string): Promise<string[]> {
  const text = await readFile(workspace.path("dist/rpms", name, "provenance.json"), "utf8");
  const { predicate } = JSON.parse(text) as {
    predicate: {
      buildDefinition: {
        resolvedDependencies: { name: string; annotations: { kind: string } }[];
      };
    };
  };
  return predicate.buildDefinition.resolvedDependencies
    .filter(({ annotations }) => annotations.kind === "build-root")
    .map((one) => one.name);
}

test("every package, whatever its architecture, is built with the base's macros", () => {
  const wrong = [...headers.values()].filter(({ release }) => !release.endsWith(".cr1"));
  expect(wrong.map(({ nevra }) => nevra)).toEqual([]);
});

test("packages hold no static library, no libtool file and no path of their build", () => {
  const files = [...headers.values()].flatMap(({ name, files: list }) =>
    list.map((file) => `${name}: ${file.path}`),
  );
  expect(files.filter((file) => /\.(a|la)$/.test(file))).toEqual([]);
  expect(files.filter((file) => file.includes("/builddir"))).toEqual([]);
});

test("development files are in -devel packages, translations in -lang ones", () => {
  const wrong = [...headers.values()].flatMap(({ name, files }) =>
    files
      .filter(({ path: file }) =>
        /^\/usr\/(include\/.|lib64\/pkgconfig\/.)/.test(file)
          ? !name.endsWith("-devel")
          : /\/LC_MESSAGES\/.*\.mo$/.test(file) && !name.endsWith("-lang"),
      )
      .map(({ path: file }) => `${name}: ${file}`),
  );
  expect(wrong).toEqual([]);
});

test("licences are SPDX expressions, and each package says its own", () => {
  const wrong = [...headers.values()]
    .filter(({ license }) => !/^[\w.+()-]+( (AND|OR|WITH) [\w.+()-]+)*$/.test(license))
    .map(({ name, license }) => `${name}: ${license}`);
  expect(wrong).toEqual([]);
});

test("what gtk3 needs of the stack is small", () => {
  const bytes = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (headers.get(name)?.installedBytes ?? 0), 0);
  const needed = runtimeOf("gtk3");
  expect(needed).toEqual(expect.arrayContaining(["glib2", "cairo", "pango", "gdk-pixbuf2"]));
  expect(bytes(needed) / 2 ** 20).toBeLessThan(24);
});

/** A package with what it requires among the packages of the stack, by name. */
function runtimeOf(name: string): string[] {
  const providers = new Map(
    [...headers.values()].flatMap((header) => [
      ...header.provides.map((provided): [string, string] => [provided.name, header.name]),
      ...header.files.map((file): [string, string] => [file.path, header.name]),
    ]),
  );
  const found = new Set<string>();
  const visit = (one: string): void => {
    if (found.has(one)) return;
    found.add(one);
    for (const required of headers.get(one)?.requires ?? []) {
      const provider = providers.get(required.name);
      if (provider !== undefined) visit(provider);
    }
  };
  visit(name);
  return [...found].toSorted();
}

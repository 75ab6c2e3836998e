import { expect, test } from "vitest";
import { type Conversion, specOf } from "./convert.ts";

const entry = (path: string, more: object = {}): Conversion["contents"]["entries"][number] => ({
  path,
  kind: "file",
  mode: 0o644,
  user: "root",
  group: "root",
  mtime: 0,
  ...more,
});

const conversion = (more: Partial<Conversion["contents"]>, rest: object = {}): Conversion => ({
  contents: {
    control: "Package: tool\nVersion: 1.0-2\nArchitecture: amd64\nDescription: A tool\n",
    conffiles: "",
    shlibs: "",
    entries: [],
    elfRequires: [],
    ...more,
  },
  fixup: {},
  sonamesByPackage: new Map(),
  isExcluded: () => false,
  ...rest,
});

const lines = (value: Conversion): string[] => specOf(value).split("\n");

test("a binary package is a subpackage of its Debian source package", () => {
  const control =
    "Package: libc6\nSource: glibc\nVersion: 2.41-12\nDescription: GNU C Library: 100% of it\n";
  const spec = lines(conversion({ control }));
  expect(spec).toContain("Name: glibc");
  expect(spec).toContain("%package -n libc6");
  expect(spec).toContain("Summary: GNU C Library: 100%% of it");
  expect(spec).toContain("%files -n libc6");
});

test("files keep mode and owner; names with rpm's own characters stay literal", () => {
  const entries = [
    entry("/usr/bin/[", { mode: 0o755 }),
    entry("/usr/share/a b"),
    entry("/usr/share/100%"),
    entry("/usr/bin/su", { mode: 0o4755 }),
    entry("/etc/tool.conf"),
    entry("/usr/share/doc/tool/copyright"),
    entry("/usr/share/locale/de/LC_MESSAGES/tool.mo"),
    entry("/usr/lib", { kind: "folder", mode: 0o755 }),
    entry("/usr/share/lintian/overrides/tool"),
  ];
  const spec = lines(conversion({ entries, conffiles: "/etc/tool.conf\n" }));
  expect(spec.slice(spec.indexOf("%files") + 1, -1)).toEqual([
    "%attr(755, root, root) /usr/bin/\\[",
    '%attr(644, root, root) "/usr/share/a b"',
    "%attr(644, root, root) /usr/share/100%%",
    "%attr(4755, root, root) /usr/bin/su",
    "%config(noreplace) %attr(644, root, root) /etc/tool.conf",
    "%license %attr(644, root, root) /usr/share/doc/tool/copyright",
    "%lang(de) %attr(644, root, root) /usr/share/locale/de/LC_MESSAGES/tool.mo",
    "%dir %attr(755, root, root) /usr/lib",
    "%exclude /usr/share/lintian/overrides/tool",
  ]);
});

test("a dependency by name goes where an ELF dependency says the same, so that another package may meet it", () => {
  const control =
    "Package: tool\nVersion: 1.0-2\nDepends: libcairo2 (>= 1.2), python3, data | other-data\nDescription: x\n";
  const value = conversion(
    { control, elfRequires: ["libcairo.so.2()(64bit)"] },
    { sonamesByPackage: new Map([["libcairo2", ["libcairo.so.2"]]]) },
  );
  expect(lines(value).filter((line) => line.startsWith("Requires:"))).toEqual([
    "Requires: (data or other-data)",
    "Requires: python3",
  ]);
});

test("essential programs answer to their names from before /bin was merged", () => {
  const control = "Package: dash\nVersion: 1-1\nEssential: yes\nDescription: x\n";
  expect(lines(conversion({ control, entries: [entry("/usr/bin/sh")] }))).toContain(
    "Provides: /bin/sh",
  );
});

test("fix-ups add links, files and triggers", () => {
  const fixup = {
    links: { "/usr/bin/cc": "gcc" },
    files: { "/etc/x.conf": "$HOME %{nil}\n" },
    triggers: [{ paths: ["/usr/lib"], run: "ldconfig" }],
  };
  const spec = lines(conversion({}, { fixup }));
  expect(spec).toContain('ln -sfn "gcc" "%{buildroot}/usr/bin/cc"');
  expect(spec.join("\n")).toContain(Buffer.from("$HOME %{nil}\n").toString("base64"));
  expect(spec).toContain("%transfiletriggerin -- /usr/lib");
  expect(spec).toContain("%attr(-, root, root) /usr/bin/cc");
});

import type { RpmHeader } from "rpm-parser";
import { describe, expect, test } from "vitest";
import { imageFileSchema } from "../image-file.ts";
import { checkPolicy, findViolations, type PolicySubject } from "./policy.ts";

const header = (name: string, change: object = {}): RpmHeader =>
  ({
    ...{ name, nevra: `${name}-1-1.x86_64`, license: "MIT", files: [] },
    ...{ requires: [], provides: [{ name, text: name }] },
    ...change,
  }) as unknown as RpmHeader;

const subject = (policy: object, change: Partial<PolicySubject> = {}): PolicySubject => ({
  image: imageFileSchema.parse({ base: "b", packages: ["app"], policy }),
  headers: [header("app")],
  contents: [],
  directories: [],
  unpackedBytes: 1,
  packageBytes: [1],
  ...change,
});

const messages = (value: PolicySubject): string[] =>
  findViolations(value).map(({ message }) => message);

const file = (path: string, mode = 0o644): PolicySubject["contents"][number] => ({
  ...{ path, mode, isLink: false, sizeBytes: 1, content: "", hasBuildPath: false, package: 0 },
});

describe("in every image", () => {
  test.each([
    "/usr/include/glib.h",
    "/usr/bin/gcc",
    "/usr/bin/x86_64-linux-gnu-gcc-14",
    "/usr/libexec/gcc/x86_64-linux-gnu/14/cc1",
    "/usr/bin/meson",
    "/usr/lib64/libglib-2.0.a",
    "/usr/lib64/libgtk-3.la",
    "/usr/lib64/pkgconfig/glib-2.0.pc",
    "/usr/share/doc/x/example.c",
    "/var/cache/dnf/x/repodata/repomd.xml",
    "/var/lib/dnf/history.sqlite",
    "/tmp/left",
    "/var/tmp/rpm-tmp.x",
  ])("%s is a violation", (path) => {
    const [message] = messages(subject({}, { contents: [file(path)] }));
    expect(message).toContain(`${path} [image -> app]`);
  });

  test.each([
    "/usr/bin/ld.so",
    "/usr/bin/as-needed",
    "/usr/bin/gio",
    "/usr/lib64/libglib-2.0.so.0",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/share/locale/cc/x.mo",
    "/var/lib/app/data",
  ])("%s is not", (path) => {
    expect(messages(subject({}, { contents: [file(path)] }))).toEqual([]);
  });

  test("a directory that everyone may write is a violation, but for a sticky one", () => {
    const directories = [
      { path: "/tmp", mode: 0o1777 },
      { path: "/srv/open", mode: 0o777 },
      { path: "/srv/app", mode: 0o777, package: 0 },
    ];
    expect(messages(subject({}, { directories }))).toEqual([
      "directory writable by everyone: /srv/open [state layer]",
      "directory writable by everyone: /srv/app [image -> app]",
    ]);
    expect(messages(subject({ allow: { files: ["/srv/**"] } }, { directories }))).toEqual([]);
  });

  test("a file that names the folder it was built in is a violation", () => {
    const contents = [{ ...file("/usr/bin/app"), hasBuildPath: true }];
    expect(messages(subject({}, { contents }))).toEqual([
      "build path in a file: /usr/bin/app [image -> app]",
    ]);
  });

  test("no -devel package, said with the chain that brings it in", () => {
    const headers = [
      header("app", { requires: [{ name: "glib2-devel", text: "glib2-devel >= 2" }] }),
      header("glib2-devel"),
    ];
    expect(messages(subject({}, { headers }))).toEqual([
      "forbidden package: glib2-devel-1-1.x86_64 [image -> app -> glib2-devel]",
    ]);
    expect(messages(subject({ allow: { packages: ["glib2-devel"] } }, { headers }))).toEqual([]);
  });
});

describe("by the image's own policy", () => {
  test("capabilities", () => {
    const headers = [
      header("app", { requires: [{ name: "libX11.so.6()(64bit)", text: "libX11.so.6()(64bit)" }] }),
    ];
    const policy = { forbid: { capabilities: ["libX11.so*"] } };
    expect(messages(subject(policy, { headers }))).toEqual([
      "forbidden capability: app-1-1.x86_64 requires libX11.so.6()(64bit) [image -> app]",
    ]);
  });

  test("setuid files, files, licences and size", () => {
    const policy = {
      forbid: { setuid: true, files: ["/usr/share/doc/**"], licenses: ["*AGPL*"] },
      size: "1MB",
    };
    const value = subject(policy, {
      headers: [header("app", { license: "AGPL-3.0-only" })],
      contents: [file("/usr/bin/su", 0o4755), file("/usr/share/doc/app/README")],
      unpackedBytes: 2_000_000,
    });
    expect(findViolations(value).map(({ rule }) => rule)).toEqual([
      ...["forbidden licence", "setuid or setgid file", "forbidden file", "size"],
    ]);
  });

  test("an image that is too big is blamed on its biggest packages", () => {
    const headers = [header("app", { requires: [{ name: "data", text: "data" }] }), header("data")];
    const value = subject({ size: "1MB" }, { headers, packageBytes: [1_000, 1_999_000] });
    expect(messages({ ...value, unpackedBytes: 2_000_000 })).toEqual([
      "size: 2.0 MB unpacked, over the 1.0 MB allowed; the biggest packages: 2.0 MB [image -> app -> data], 1.0 kB [image -> app]",
    ]);
  });

  test("a file that everyone may write is one, unless it is allowed", () => {
    const contents = [file("/var/lib/app/shared", 0o666)];
    expect(messages(subject({}, { contents }))).toHaveLength(1);
    expect(messages(subject({ allow: { files: ["/var/lib/app/*"] } }, { contents }))).toEqual([]);
  });

  test("the error counts what it does not list", () => {
    const contents = Array.from({ length: 25 }, (_, index) => file(`/tmp/${index}`));
    expect(() => checkPolicy("hello", subject({}, { contents }))).toThrow(/and 5 more$/);
  });
});

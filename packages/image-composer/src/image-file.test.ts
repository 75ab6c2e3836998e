import { CleanroomError, parseYaml } from "@cleanroom/core";
import { describe, expect, test } from "vitest";
import { imageFileSchema } from "./image-file.ts";

const least = "base: debian-trixie\npackages: [glib2]\n";

const parse = (text: string): ReturnType<typeof imageFileSchema.parse> =>
  parseYaml(text, imageFileSchema, "image.yaml");

describe("image.yaml", () => {
  test("base and packages are enough; the rest has defaults", () => {
    const image = parse(least);
    expect(image.layers).toEqual({ by: "source-package", budget: 12 });
    expect(image.compression).toBe("gzip");
    expect(image.slim).toEqual({ docs: false, files: [] });
    expect(image.policy.forbid.setuid).toBe(false);
  });

  test("the design's example", () => {
    const image = parse(`
base: debian-trixie
packages: [gtk3, gjs, broadway-panel]
accounts: { user: { uid: 1000, home: /home/user, shell: /bin/bash } }
entrypoint: [/usr/bin/catatonit, --, /usr/libexec/broadway/session]
user: user
ports: [8080]
layers: { by: source-package, budget: 12 }
compression: gzip
slim: { docs: false, languages: [en_US] }
policy:
  forbid: { packages: ["*-devel"], capabilities: [libX11.so*], files: [/usr/include/**], setuid: true }
  size: 110MiB
`);
    expect(image.accounts["user"]?.uid).toBe(1000);
    expect(image.policy.size).toBe(110 * 1024 * 1024);
  });

  test.each([
    [`${least}entrypont: [/bin/sh]\n`, 'unknown key "entrypont"; did you mean "entrypoint"?'],
    [`${least}accounts: { Root: { uid: 1 } }\n`, "accounts.Root"],
    [`${least}files: { ../etc/passwd: { content: x } }\n`, "files.../etc/passwd"],
    [`${least}files: { /etc/../../x: { content: x } }\n`, "files./etc/../../x"],
    [`${least}files: { /x: { content: a, link: b } }\n`, "exclude each other"],
    [`${least}directories: { /x: { mode: 755 } }\n`, "directories./x.mode"],
    [`${least}layers: { budget: 0 }\n`, "layers.budget"],
    [`${least}ports: [70000]\n`, "ports.0"],
  ])("%s is refused", (text, message) => {
    expect(() => parse(text)).toThrow(CleanroomError);
    expect(() => parse(text)).toThrow(message);
  });
});

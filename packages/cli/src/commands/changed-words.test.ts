import { expect, test } from "vitest";
import { pairLongLines } from "./changed-words.ts";

const call = (options: string): string =>
  `meson setup --buildtype=plain --prefix=/usr --libdir=/usr/lib64 --libexecdir=/usr/libexec --bindir=/usr/bin ${options}`;

test("of a long line that is mostly the same, only the words that differ are told", () => {
  expect(
    pairLongLines(
      ["short", call("-Dx11=true -Dy=1 -Dzzzzzzzzzzzz=on")],
      ["other", call("-Dx11=false -Dy=1 -Dzzzzzzzzzzzz=on")],
    ),
  ).toEqual({
    changed: [
      { start: "meson setup --buildtype=plain", gone: ["-Dx11=true"], came: ["-Dx11=false"] },
    ],
    gone: ["short"],
    came: ["other"],
  });
});

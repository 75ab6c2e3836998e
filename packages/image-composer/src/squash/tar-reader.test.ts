import { expect, test } from "vitest";
import { tarEnd, tarHeader } from "../compose/tar-writer.ts";
import { readTar } from "./tar-reader.ts";

test("a source that goes on behind the archive's end is closed", async () => {
  let isClosed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      const plain = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 };
      yield tarHeader({ ...plain, path: "a", type: "file", sizeBytes: 0 });
      yield tarEnd;
      yield new Uint8Array(1024);
    } finally {
      isClosed = true;
    }
  }
  const paths: string[] = [];
  for await (const { path } of readTar(source())) paths.push(path);
  expect(paths).toEqual(["a"]);
  expect(isClosed).toBe(true);
});

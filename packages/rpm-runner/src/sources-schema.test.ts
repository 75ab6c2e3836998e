import path from "node:path";
import { jsonSchemaText } from "@cleanroom/core";
import { expect, test } from "vitest";
import { sourcesLockSchema } from "./sources-lock.ts";

test("the committed JSON Schema is that of sources.lock.yaml", async () => {
  // `npx vitest run --project unit schema -u` writes it anew.
  await expect(jsonSchemaText(sourcesLockSchema, "The sources of a package")).toMatchFileSnapshot(
    path.resolve(import.meta.dirname, "../../../specs/schemas/sources-lock.json"),
  );
});

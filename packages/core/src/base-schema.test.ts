import path from "node:path";
import { expect, test } from "vitest";
import { baseFileSchema } from "./base-file.ts";
import { jsonSchemaText } from "./yaml-file.ts";

test("the committed JSON Schema is that of base.yaml", async () => {
  // `npx vitest run --project unit schema -u` writes it anew.
  await expect(jsonSchemaText(baseFileSchema, "A base of Cleanroom")).toMatchFileSnapshot(
    path.resolve(import.meta.dirname, "../../../specs/schemas/base.json"),
  );
});

import path from "node:path";
import { jsonSchemaText } from "@cleanroom/core";
import { expect, test } from "vitest";
import { packageFileSchema } from "./package-file.ts";
import { profileFileSchema } from "./profile/profile-file.ts";

const folder = path.resolve(import.meta.dirname, "../../../specs/schemas");

// `npx vitest run --project unit schema -u` writes them anew.
test.each([
  ["profile", "A profile of Cleanroom", profileFileSchema],
  ["package", "What Cleanroom is told about one package", packageFileSchema],
])("the committed JSON Schema is that of %s.yaml", async (name, title, schema) => {
  await expect(jsonSchemaText(schema, title)).toMatchFileSnapshot(
    path.join(folder, `${name}.json`),
  );
});

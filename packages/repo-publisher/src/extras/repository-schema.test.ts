import path from "node:path";
import { jsonSchemaText } from "@cleanroom/core";
import { expect, test } from "vitest";
import { repositoryFileSchema } from "./repository-file.ts";

test("the committed JSON Schema is that of repository.yaml", async () => {
  // `npx vitest run --project unit repository-schema -u` writes it anew.
  await expect(jsonSchemaText(repositoryFileSchema, "The package repository")).toMatchFileSnapshot(
    path.resolve(import.meta.dirname, "../../../../specs/schemas/repository.json"),
  );
});

import path from "node:path";
import { jsonSchemaText } from "@cleanroom/core";
import { expect, test } from "vitest";
import { imageFileSchema } from "./image-file.ts";

test("the committed JSON Schema is that of image.yaml", async () => {
  // `npx vitest run --project unit image -u-schema` writes it anew.
  await expect(jsonSchemaText(imageFileSchema, "An image of Cleanroom")).toMatchFileSnapshot(
    path.resolve(import.meta.dirname, "../../../specs/schemas/image.json"),
  );
});

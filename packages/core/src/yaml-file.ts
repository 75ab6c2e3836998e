import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { distance } from "fastest-levenshtein";
import type * as Yaml from "yaml";
import type { Document, Node } from "yaml";
import { z } from "zod";
import { type Json, type Sha256, sha256, sha256Json } from "./digest.ts";
import { CleanroomError, type Place } from "./error.ts";
import { isMissingFile } from "./files.ts";
import { programMemory } from "./program-memory.ts";

const require = createRequire(import.meta.url);

/** Loaded with the first text that is not known already. */
function loadYaml(): typeof Yaml {
  return require("yaml") as typeof Yaml;
}

/**
 * Reads a YAML file that people write, against its schema. Values of a text that was read before are
 * remembered; their shape is checked all the same.
 *
 * @throws {CleanroomError} `file-missing`, `yaml-syntax`, `yaml-shape`; always with
 * file:line:column, what was expected, and the nearest valid key for an unknown one.
 */
export async function readYamlFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  displayName = file,
): Promise<z.output<Schema>> {
  let text: string;
  try {
    // Thousands of small files: a thread for each would cost more than reading them.
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    throw new CleanroomError("file-missing", `${displayName} is not there`, { exitCode: 2 });
  }
  return knownOrParsed(text, schema, displayName);
}

/** The values of a text: known ones, where they have the shape, or those that a YAML parser finds. */
function knownOrParsed<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  displayName: string,
): z.output<Schema> {
  const known = schema.safeParse(programMemory.recall(valuesKey(text)));
  if (known.success) return known.data;
  const { data, values } = parse(text, schema, displayName);
  rememberYamlValues(text, values);
  return data;
}

/** Keeps the values of a text for {@link readYamlFile}: those that a YAML parser finds in it. */
export function rememberYamlValues(text: string, values: Json): void {
  programMemory.remember(valuesKey(text), values);
}

function valuesKey(text: string): Sha256 {
  return sha256Json({ yaml: sha256(text) });
}

/** {@link readYamlFile} on text that is at hand. */
export function parseYaml<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  file: string,
): z.output<Schema> {
  return parse(text, schema, file).data;
}

/** What a text holds, and the same in the shape of a schema. */
function parse<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  file: string,
): { readonly values: Json; readonly data: z.output<Schema> } {
  const { LineCounter, parseDocument } = loadYaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const [syntaxError] = document.errors;
  if (syntaxError !== undefined) {
    throw new CleanroomError("yaml-syntax", syntaxError.message, {
      place: placeAt(syntaxError.pos[0]),
      exitCode: 2,
    });
  }
  const values = document.toJS() as Json;
  const result = schema.safeParse(values);
  if (result.success) return { values, data: result.data };
  const problems = result.error.issues.flatMap((issue) => describe(issue, schema, document));
  const [first, ...others] = problems;
  if (first === undefined) throw result.error;
  throw new CleanroomError(
    "yaml-shape",
    [
      first.message,
      ...others.map(({ message, offset }) => {
        const place = placeAt(offset);
        return `  also at ${place.line}:${place.column}: ${message}`;
      }),
    ].join("\n"),
    { place: placeAt(first.offset), exitCode: 2 },
  );
}

interface Problem {
  readonly message: string;
  readonly offset: number;
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, document: Document): Problem[] {
  const where = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const known = keysAt(schema, issue.path);
      const nearest = nearestOf(key, known);
      return {
        message: `${where}unknown key "${key}"${nearest === undefined ? "" : `; did you mean "${nearest}"?`}${known.length === 0 ? "" : ` (known: ${known.join(", ")})`}`,
        offset: offsetOf(document, [...issue.path, key], true),
      };
    });
  }
  return [{ message: `${where}${issue.message}`, offset: offsetOf(document, issue.path, false) }];
}

/** The keys that the schema knows at a path; empty where that cannot be told. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  for (const step of path) current = child(unwrap(current), step);
  const object = unwrap(current);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let current = schema;
  while (
    current instanceof z.ZodOptional ||
    current instanceof z.ZodDefault ||
    current instanceof z.ZodPrefault ||
    current instanceof z.ZodNullable
  ) {
    current = current.unwrap();
  }
  return current;
}

function child(schema: unknown, step: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)] as unknown;
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return undefined;
}

function nearestOf(word: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((key) => ({ key, far: distance(word.toLowerCase(), key.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far);
  return nearest !== undefined && nearest.far <= Math.max(2, word.length / 3)
    ? nearest.key
    : undefined;
}

function offsetOf(document: Document, path: readonly PropertyKey[], ofKey: boolean): number {
  const { isMap, isPair } = loadYaml();
  let node: unknown = document.contents;
  let offset = rangeStart(node) ?? 0;
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) =>
          isPair(item) && String((item.key as { value?: unknown } | null)?.value) === String(step),
      );
      if (pair === undefined) return offset;
      const last = index === path.length - 1;
      offset = rangeStart(last && ofKey ? pair.key : (pair.value ?? pair.key)) ?? offset;
      node = pair.value;
    } else {
      node = (node as { items?: unknown[] } | undefined)?.items?.[Number(step)];
      offset = rangeStart(node) ?? offset;
    }
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  return loadYaml().isNode(node) ? (node as Node).range?.[0] : undefined;
}

/** The JSON Schema (draft 2020-12) that editors use for a file of this schema. */
export function jsonSchemaText(schema: z.ZodType, title: string): string {
  const body = z.toJSONSchema(schema, { io: "input", target: "draft-2020-12" });
  return `${JSON.stringify({ ...body, title }, null, 2)}\n`;
}

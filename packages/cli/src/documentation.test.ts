import { readFile } from "node:fs/promises";
import path from "node:path";
import fastGlob from "fast-glob";
import { expect, test } from "vitest";
import { commandParser } from "./command-line.ts";

const workspace = path.resolve(import.meta.dirname, "../../..");

/** A command's help, without what all commands have in common. */
async function helpOf(words: readonly string[]): Promise<string> {
  const parser = await commandParser(words);
  return new Promise((resolve, reject) => {
    const argv = [...words, "--help"];
    void parser
      .wrap(100)
      .parseAsync(argv, {}, (error: Error | undefined, _argv: unknown, output: string) => {
        if (error) reject(error);
        else resolve(output);
      });
  });
}

/** The commands below `words`, as their help lists them. */
function subcommands(words: readonly string[], help: string): string[] {
  const prefix = ["./cleanroom", ...words].join(" ");
  return help
    .split("\n")
    .filter((line) => line.startsWith(`  ${prefix} `))
    .map((line) => line.slice(prefix.length + 3).split(/\s/)[0] ?? "")
    .filter((word) => /^[a-z]/.test(word));
}

const globalPart = /\n*Global options:\n[\s\S]*?(?=\n\n|$)/;
const commonOptions = /^ +--(?:help|version) .*\n?/gm;

async function section(words: readonly string[]): Promise<string> {
  const help = await helpOf(words);
  const text = help
    .replace(globalPart, "")
    .replace(commonOptions, "")
    .replace(/\n*Options:\n*(?=\n\n|$)/, "")
    .replace(/\n*Exit codes:[\s\S]*$/, "")
    .trim();
  const own = `## ${words.join(" ")}\n\n\`\`\`text\n${text}\n\`\`\`\n`;
  const inner = await Promise.all(
    subcommands(words, help).map((word) => section([...words, word])),
  );
  return [own, ...inner].join("\n");
}

async function reference(): Promise<string> {
  const help = await helpOf([]);
  const commands = subcommands([], help).filter((word) => word !== "nx");
  const sections = await Promise.all(commands.map((word) => section([word])));
  const global = globalPart.exec(help)?.[0].trim() ?? "";
  const exitCodes = /Exit codes:[\s\S]*$/.exec(help)?.[0].trim() ?? "";
  return [
    "# The command line\n",
    "What `--help` says of every command; made from the commands themselves.\n",
    `\`\`\`text\n${global}\n\n${exitCodes}\n\`\`\`\n`,
    ...sections,
  ].join("\n");
}

test("the reference of the command line is that of its commands", async () => {
  // `npx vitest run --project unit documentation -u` writes it anew.
  await expect(await reference()).toMatchFileSnapshot(path.join(workspace, "docs/command-line.md"));
});

/** The lines of code blocks that call Cleanroom, by file. */
async function shownCommands(): Promise<[string, string][]> {
  const files = await fastGlob(["README.md", "docs/*.md", "packages/*/README.md"], {
    cwd: workspace,
    ignore: ["docs/command-line.md"],
  });
  const found: [string, string][] = [];
  for (const file of files) {
    const text = await readFile(path.join(workspace, file), "utf8");
    for (const [, block = ""] of text.matchAll(/```sh\n([\s\S]*?)```/g)) {
      for (const line of block.replaceAll("\\\n", " ").split("\n")) {
        const command = /(?:^|[|;&]\s*|\$ )(?:\w+=\S+ )*\.\/cleanroom ([^#|>&;]*)/.exec(line)?.[1];
        if (command !== undefined) found.push([file, command.trim()]);
      }
    }
    for (const [, command = ""] of text.matchAll(/`\.\/cleanroom ([^`\n]+)`/g)) {
      found.push([file, command]);
    }
  }
  return found;
}

class Understood extends Error {}

/** Parses a command line and stops before anything is done. */
async function parseOnly(command: string): Promise<void> {
  const words = command.split(/\s+/).map((word) => word.replaceAll(/^["']|["']$/g, ""));
  const parser = await commandParser(words);
  parser.middleware(() => {
    throw new Understood();
  });
  await parser.parseAsync();
}

test("every command that the documents show is one that there is", async () => {
  const commands = await shownCommands();
  expect(commands.length).toBeGreaterThan(30);
  const wrong: string[] = [];
  for (const [file, command] of commands) {
    if (command.startsWith("nx ")) continue;
    try {
      await parseOnly(command);
      wrong.push(`${file}: ${command}: was carried out`);
    } catch (error) {
      if (!(error instanceof Understood)) wrong.push(`${file}: ${command}: ${String(error)}`);
    }
  }
  expect(wrong).toEqual([]);
});

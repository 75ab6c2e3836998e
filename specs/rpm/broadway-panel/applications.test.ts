import { describe, expect, test } from "vitest";
import { type Application, commandOf, search, sorted, splitExec } from "./applications.js";

function application(name: string, rest: Partial<Application> = {}): Application {
  const id = `${name.toLowerCase().replaceAll(" ", "-")}.desktop`;
  const file = `/usr/share/applications/${id}`;
  const plain = { description: "", keywords: [], exec: "run", icon: "", terminal: false };
  return { id, name, file, ...plain, ...rest };
}

const terminal = application("Terminal", { keywords: ["shell", "prompt"] });
const editor = application("Éditeur", { description: "Write text" });
const demo = application("GTK Demo");
const factory = application("Widget Factory", { description: "All of GTK" });
const all = [terminal, factory, editor, demo];

describe("search", () => {
  test.each([
    ["", [editor, demo, terminal, factory]],
    ["term", [terminal]],
    ["SHELL", [terminal]],
    ["edit", [editor]],
    ["gtk", [demo, factory]],
    ["fac wid", [factory]],
    ["gtk nothing", []],
  ])("%j", (text, found) => {
    expect(search(all, text).map(({ name }) => name)).toEqual(found.map(({ name }) => name));
  });

  test("the list it was given stays as it is", () => {
    const given = [...all];
    sorted(given);
    search(given, "g");
    expect(given).toEqual(all);
  });
});

describe("splitExec", () => {
  test.each([
    ["mousepad %U", ["mousepad", "%U"]],
    ['sh -c "echo \\"a b\\" \\$HOME"', ["sh", "-c", 'echo "a b" $HOME']],
    ["a\\ b  c", ["a b", "c"]],
    ['run ""', ["run", ""]],
    ['a "open', []],
    ["", []],
  ])("%j", (line, words) => {
    expect(splitExec(line)).toEqual(words);
  });
});

describe("commandOf", () => {
  const of = (exec: string, files: string[] = []): string[] =>
    commandOf(application("Name", { exec, icon: "icon" }), files);

  test("files take the place of their code, or are left out", () => {
    expect(of("run %U -x", ["a b", "c"])).toEqual(["run", "a b", "c", "-x"]);
    expect(of("run %f", ["a", "b"])).toEqual(["run", "a"]);
    expect(of("run %F")).toEqual(["run"]);
    expect(of("run", ["a"])).toEqual(["run"]);
    expect(of("run --file=%f", ["a"])).toEqual(["run", "--file=a"]);
  });

  test("names, icons and percent signs", () => {
    expect(of("run %i %c %k 100%% %d")).toEqual([
      ...["run", "--icon", "icon", "Name"],
      ...["/usr/share/applications/name.desktop", "100%"],
    ]);
  });
});

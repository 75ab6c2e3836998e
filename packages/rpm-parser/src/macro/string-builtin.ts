import { type Builtin, ofText } from "./builtin-kind.ts";

/** `%{shrink:}`: no white space at the ends, single spaces between words. */
function shrink(text: string): string {
  return text.replace(/[ \t\n\v\f\r]+/g, " ").replace(/^ | $/g, "");
}

function baseName(text: string): string {
  return text.slice(text.lastIndexOf("/") + 1);
}

function directoryName(text: string): string {
  const slash = text.lastIndexOf("/");
  return slash < 0 ? text : text.slice(0, slash);
}

/** As basename(3) and dirname(3) of the C library, which rpm 4.20 uses. */
function pathParts(text: string): { directory: string; base: string } {
  const trimmed = text.replace(/(?<=.)\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  if (slash < 0) return { directory: ".", base: trimmed };
  const directory = trimmed.slice(0, slash).replace(/\/+$/, "");
  return { directory: directory === "" ? "/" : directory, base: trimmed.slice(slash + 1) };
}

function suffix(text: string): string {
  const dot = text.lastIndexOf(".");
  return dot < 0 ? "" : text.slice(dot + 1);
}

/** The path of a URL; anything else is its own path, and nothing is `/`. */
function urlPath(text: string): string {
  const url = /^(?:https?|ftp|file|hkp):\/\/[^/]*(.*)$/s.exec(text);
  const path = url === null ? text : (url[1] ?? "");
  return path === "" ? "/" : path;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const repeatedCharactersMax = 16 * 1024 * 1024;

/** The byte length: Lua's strings are bytes. */
function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

const path = (part: "directory" | "base", older: (text: string) => string): Builtin => ({
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => {
    const text = words[0] ?? "";
    return { output: expander.host.dialect === "4.18" ? older(text) : pathParts(text)[part] };
  },
});

/** Builtins that turn text into text. */
export const stringBuiltins: readonly (readonly [string, Builtin])[] = [
  ["basename", path("base", baseName)],
  ["dirname", path("directory", directoryName)],
  ["shrink", ofText(shrink)],
  ["suffix", ofText(suffix)],
  ["url2path", ofText(urlPath)],
  ["u2p", ofText(urlPath)],
  [
    "shescape",
    {
      arguments: "some",
      isRaw: false,
      run: (expander, _name, words) => ({
        output:
          expander.host.dialect === "4.18"
            ? shellQuote(words[0] ?? "")
            : words.map((word) => shellQuote(word)).join(" "),
      }),
    },
  ],
  ["len", ofText((text) => String(byteLength(text)), "4.20")],
  ["lower", ofText((text) => text.replace(/[A-Z]/g, (one) => one.toLowerCase()), "4.20")],
  ["upper", ofText((text) => text.replace(/[a-z]/g, (one) => one.toUpperCase()), "4.20")],
  ["reverse", ofText((text) => Array.from(text).toReversed().join(""), "4.20")],
  [
    "rep",
    {
      arguments: "some",
      isRaw: false,
      since: "4.20",
      run: (expander, _name, words) => {
        const [text = "", count = ""] = words;
        const times = Number(count);
        if (!Number.isInteger(times)) {
          throw expander.error("macro-argument", `%rep: '${count}' is no number`);
        }
        if (text.length * times > repeatedCharactersMax) {
          throw expander.error("macro-too-large", "%rep makes too much text");
        }
        return { output: text.repeat(Math.max(0, times)) };
      },
    },
  ],
  [
    "gsub",
    {
      arguments: "some",
      isRaw: false,
      since: "4.20",
      run: (expander, _name, words) => ({ output: expander.lua.call("string.gsub", words) }),
    },
  ],
  [
    "sub",
    {
      arguments: "some",
      isRaw: false,
      since: "4.20",
      run: (_expander, _name, words) => ({ output: substring(words) }),
    },
  ],
];

/** Lua's `string.sub`: 1-based, inclusive, negative counts from the end. */
function substring(words: readonly string[]): string {
  const [text = "", first = "1", last = "-1"] = words;
  const bytes = Buffer.from(text, "utf8");
  const start = position(Number(first), bytes.length);
  const end = position(Number(last), bytes.length);
  return bytes.subarray(Math.max(start, 1) - 1, Math.max(end, 0)).toString("utf8");
}

function position(index: number, length: number): number {
  return index < 0 ? Math.max(length + index + 1, 0) : index;
}

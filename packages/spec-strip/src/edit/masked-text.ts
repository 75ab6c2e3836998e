/** First of the private characters that stand for macro calls. */
const firstMark = 0xe000;
const markCount = 6000;
const mark = /([\uE000-\uF76F])\1*/g;

/**
 * Text in which every macro call is a run of one private character, as long as the call: what is
 * left can be split at spaces and commas without falling apart inside `%{?with_x11:a b}`, and
 * offsets stay those of the text.
 */
export interface MaskedText {
  readonly text: string;
  /** Any part of the masked text, with the macro calls back in place. */
  readonly unmask: (part: string) => string;
}

export function maskMacros(text: string): MaskedText {
  if (!text.includes("%")) return { text, unmask: (part) => part };
  const calls: string[] = [];
  let masked = "";
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf("%", at);
    if (percent < 0) break;
    const end = callEnd(text, percent);
    masked += text.slice(at, percent);
    if (calls.length < markCount && end - percent > 1) {
      masked += String.fromCharCode(firstMark + calls.length).repeat(end - percent);
      calls.push(text.slice(percent, end));
    } else masked += text.slice(percent, end);
    at = end;
  }
  masked += text.slice(at);
  return {
    text: masked,
    unmask: (part) => part.replaceAll(mark, (run) => calls[run.charCodeAt(0) - firstMark] ?? run),
  };
}

const pairs: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/** The offset after the macro call that begins with the `%` at `start` (rpm's `findMacroEnd`). */
export function callEnd(text: string, start: number): number {
  const open = text.charAt(start + 1);
  if (open === "%") return start + 2;
  const close = pairs[open];
  if (close === undefined) {
    const [name = ""] = /^[?!]*-?\w*(?:\*\*|\*|#)?/.exec(text.slice(start + 1, start + 200)) ?? [];
    return start + 1 + name.length;
  }
  let level = 0;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === "\\") at += 1;
    else if (character === open) level += 1;
    else if (character === close) {
      level -= 1;
      if (level === 0) return at + 1;
    }
  }
  return text.length;
}

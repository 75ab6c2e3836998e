// What XML 1.0 (section 2.2) forbids outright: readers would refuse the whole file.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** What {@link forbidden} or an entity may be about: almost no text has any of it. */
// oxlint-disable-next-line no-control-regex
const special = /[\u0000-\u001F&<>"\uFFFE\uFFFF]/;

const textEntities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\r": "&#13;",
};

const attributeEntities: Readonly<Record<string, string>> = {
  ...textEntities,
  '"': "&quot;",
  "\n": "&#10;",
  "\t": "&#9;",
};

/** Text between tags. Characters that XML cannot hold are left out. */
export function xmlText(text: string): string {
  if (!special.test(text)) return text;
  return text.replace(forbidden, "").replace(/[&<>\r]/g, (one) => textEntities[one] ?? one);
}

/** The value of an attribute, with its quotes. */
export function xmlAttribute(text: string): string {
  if (!special.test(text)) return `"${text}"`;
  const escaped = text
    .replace(forbidden, "")
    .replace(/[&<>\r"\n\t]/g, (one) => attributeEntities[one] ?? one);
  return `"${escaped}"`;
}

/** Attributes as they stand in a tag, each after a blank; undefined ones are left out. */
export function xmlAttributes(
  values: Readonly<Record<string, string | number | undefined>>,
): string {
  let text = "";
  for (const name in values) {
    const value = values[name];
    if (value !== undefined) text += ` ${name}=${xmlAttribute(String(value))}`;
  }
  return text;
}

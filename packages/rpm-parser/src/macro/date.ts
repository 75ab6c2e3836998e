/** Dates as rpm and the shell write them; the time itself always comes from outside. */
const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months =
  "January February March April May June July August September October November December".split(
    " ",
  );

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** strftime(3) in the C locale and UTC. */
export function formatDate(format: string, timeSeconds: number): string {
  const date = new Date(timeSeconds * 1000);
  const day = days[date.getUTCDay()] ?? "";
  const month = months[date.getUTCMonth()] ?? "";
  const year = String(date.getUTCFullYear());
  const yearStart = Date.UTC(date.getUTCFullYear(), 0, 1);
  const fields: Readonly<Record<string, string>> = {
    Y: year,
    y: year.slice(-2),
    m: two(date.getUTCMonth() + 1),
    d: two(date.getUTCDate()),
    e: String(date.getUTCDate()).padStart(2, " "),
    H: two(date.getUTCHours()),
    M: two(date.getUTCMinutes()),
    S: two(date.getUTCSeconds()),
    j: String(Math.floor((date.getTime() - yearStart) / 86_400_000) + 1).padStart(3, "0"),
    s: String(timeSeconds),
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    B: month,
    u: String(date.getUTCDay() === 0 ? 7 : date.getUTCDay()),
    w: String(date.getUTCDay()),
    Z: "UTC",
    z: "+0000",
    n: "\n",
    t: "\t",
    "%": "%",
  };
  const composed = format
    .replaceAll("%F", "%Y-%m-%d")
    .replaceAll("%T", "%H:%M:%S")
    .replaceAll("%R", "%H:%M")
    .replaceAll("%D", "%m/%d/%y")
    .replaceAll("%c", "%a %b %e %H:%M:%S %Y");
  return composed.replace(/%[-_0^#]?([A-Za-z%])/g, (whole, letter: string) => {
    const value = fields[letter];
    if (value === undefined) return whole;
    return whole.startsWith("%-") ? value.replace(/^[0 ]+(?=.)/, "") : value;
  });
}

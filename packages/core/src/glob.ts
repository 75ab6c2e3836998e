import picomatch from "picomatch";

/** A test for any of some path globs: `*` stays within one step of a path, `**` does not. */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  return globs.length === 0 ? () => false : picomatch([...globs], { dot: true });
}

/**
 * A test for any of some globs over names and capabilities, in which `*` stands for any text
 * and every other character for itself: `pkgconfig(xcb*)` has parentheses of its own.
 */
export function nameMatcher(globs: readonly string[]): (name: string) => boolean {
  const patterns = globs.map(
    (glob) =>
      new RegExp(
        `^${glob
          .split("*")
          .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*")}$`,
        "s",
      ),
  );
  return (name) => patterns.some((pattern) => pattern.test(name));
}

import type { BuildOptionRule, BuildSystem } from "../profile/rule.ts";

/** How a build system writes one option. */
export interface OptionForm {
  /** Finds the option where it is set, up to its value: `-Dx=`, `--without-x`. */
  readonly pattern: RegExp;
  /** The option as the rule wants it; undefined to have none. */
  readonly wanted: string | undefined;
}

/** meson's own options that `meson setup` takes as `--name=value` and refuses to take twice. */
const mesonOwn =
  /^(?:auto-features|backend|buildtype|debug|default-library|default-both-libraries|errorlogs|install-umask|layout|optimization|prefer-static|strip|unity|unity-size|warnlevel|werror|wrap-mode|force-fallback-for|pkg-config-path|[a-z]*dir)$/;

/** Calls that configure a build, after which options can stand. */
export const configureCalls: Readonly<Record<BuildSystem, RegExp>> = {
  meson: /(?<![\w-])(?:%\{?meson\}?(?![\w-])|meson\s+setup(?![\w-]))/g,
  cmake:
    /(?<![\w./-])(?:%\{?cmake(?:3|_kf[56]|_qt[56])?\}?(?![\w-])|cmake(?=\s+[^\s-]|\s+-[DGSB]))/g,
  autotools: /(?<![\w-])(?:%\{?configure\}?(?![\w-])|(?:\.{1,2}\/)+configure(?![\w.-]))/g,
};

export function optionForm(system: BuildSystem, { match, value }: BuildOptionRule): OptionForm {
  if (system === "meson") return mesonForm(match, value);
  if (system === "cmake") return cmakeForm(match, value);
  return autotoolsForm(match, value);
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\-]/g, String.raw`\$&`);
/** Not in the middle of a word. */
const start = String.raw`(?<![\w%=./-])`;

function mesonForm(name: string, value: BuildOptionRule["value"]): OptionForm {
  const dashed = name.replaceAll("_", "-");
  if (mesonOwn.test(dashed)) {
    const either = escaped(dashed).replaceAll(String.raw`\-`, "[-_]");
    return {
      pattern: new RegExp(`${start}(?:--${either}|-D${either})=`, "g"),
      wanted: value === null ? undefined : `--${dashed}=${String(value)}`,
    };
  }
  return {
    pattern: new RegExp(String.raw`${start}-D\s*${escaped(name)}=`, "g"),
    wanted: value === null ? undefined : `-D${name}=${String(value)}`,
  };
}

function cmakeForm(name: string, value: BuildOptionRule["value"]): OptionForm {
  const text = typeof value === "boolean" ? (value ? "ON" : "OFF") : String(value);
  return {
    pattern: new RegExp(String.raw`${start}-D\s*${escaped(name)}(?::[A-Z]+)?=`, "g"),
    wanted: value === null ? undefined : `-D${name}=${text}`,
  };
}

function autotoolsForm(name: string, value: BuildOptionRule["value"]): OptionForm {
  const [, family, stem] = /^(enable|with)-(.+)$/.exec(name) ?? [];
  if (family === undefined || stem === undefined) {
    return {
      pattern: new RegExp(`${start}--${escaped(name)}(?![\\w-])=?`, "g"),
      wanted: value === null || value === false ? undefined : plainOption(name, value),
    };
  }
  const negative = family === "enable" ? "disable" : "without";
  return {
    pattern: new RegExp(`${start}--(?:${family}|${negative})-${escaped(stem)}(?![\\w-])=?`, "g"),
    wanted:
      value === null
        ? undefined
        : value === false
          ? `--${negative}-${stem}`
          : plainOption(`${family}-${stem}`, value),
  };
}

function plainOption(name: string, value: string | number | true): string {
  return value === true ? `--${name}` : `--${name}=${String(value)}`;
}

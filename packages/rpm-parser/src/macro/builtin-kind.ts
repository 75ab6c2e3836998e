import type { Expansion } from "./expansion.ts";

interface BuiltinResult {
  readonly output: string;
  /** Of raw macros without braces: how much of the text after the name they took. */
  readonly consumed?: number;
}

/** A macro that is code. */
export interface Builtin {
  /** Whether it must, may or must not have an argument. */
  readonly arguments: "none" | "some" | "any";
  /** It gets the text after its name as it stands: not expanded, not split. */
  readonly isRaw: boolean;
  /** The first rpm that has it; absent for all. */
  readonly since?: "4.20";
  run(
    expander: Expansion,
    name: string,
    words: readonly string[],
    isFreeField: boolean,
  ): BuiltinResult;
}

/** A builtin of one text that does not depend on its surroundings. */
export function ofText(run: (text: string) => string, since?: "4.20"): Builtin {
  return {
    arguments: "some",
    isRaw: false,
    ...(since === undefined ? {} : { since }),
    run: (_expander, _name, words) => ({ output: run(words[0] ?? "") }),
  };
}

import type { Place } from "@cleanroom/core";
import type { MacroScope } from "../macro/scope.ts";
import type { BuildCondition } from "../model/spec-package.ts";

/** Notes which build conditions a spec declares, as their macros are called. */
export class BuildConditionLog {
  readonly #scope: MacroScope;
  readonly #found = new Map<string, { isDefault: boolean; place: Place }>();

  constructor(scope: MacroScope) {
    this.#scope = scope;
  }

  called(macro: string, words: readonly string[], place: Place): void {
    const [name, value] = words;
    if (name === undefined || this.#found.has(name)) return;
    if (macro === "bcond_with") this.#found.set(name, { isDefault: false, place });
    else if (macro === "bcond_without") this.#found.set(name, { isDefault: true, place });
    else if (macro === "bcond") {
      this.#found.set(name, { isDefault: !/^0*$/.test(value ?? ""), place });
    }
  }

  finish(): readonly BuildCondition[] {
    return [...this.#found].map(([name, { isDefault, place }]) => ({
      name,
      isDefault,
      isEnabled: this.#scope.get(`with_${name}`) !== undefined,
      place,
    }));
  }
}

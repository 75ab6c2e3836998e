import type { Place } from "@cleanroom/core";
import type { ConditionKeyword } from "../syntax/spec-tree.ts";

/** A conditional that is open. */
interface OpenCondition {
  /** Whether lines count now. */
  reading: boolean;
  /** Whether a later branch may still count. */
  readable: boolean;
  last: ConditionKeyword;
  readonly place: Place;
}

/** The conditionals around a line, and whether it counts (rpm's `ReadLevelEntry`). */
export class ConditionStack {
  readonly #open: OpenCondition[] = [];

  /** Whether lines count now. */
  get isReading(): boolean {
    return this.#open.at(-1)?.reading ?? true;
  }

  /** Whether an `%elif` here would be looked at. */
  get isReadable(): boolean {
    return this.#open.at(-1)?.readable ?? true;
  }

  /** `%if` and its kin; `holds` is asked only where lines count. */
  open(keyword: ConditionKeyword, place: Place, holds: () => boolean): void {
    const around = this.isReading;
    const reading = around && holds();
    this.#open.push({ reading, readable: around && !reading, last: keyword, place });
  }

  /** `%elif`, `%else`, `%endif`; says what is wrong with its place, if anything. */
  continueWith(
    keyword: ConditionKeyword,
    holds: () => boolean,
  ): { readonly code: string; readonly message: string } | undefined {
    const condition = this.#open.at(-1);
    if (condition === undefined) {
      return { code: "condition-without-if", message: `%${keyword} with no %if` };
    }
    if (keyword === "endif") {
      this.#open.pop();
      return undefined;
    }
    const isLate = condition.last === "else";
    condition.last = keyword;
    if (keyword === "else") condition.reading = condition.readable;
    else {
      condition.reading = condition.readable && holds();
      if (condition.reading) condition.readable = false;
    }
    if (!isLate) return undefined;
    return { code: "condition-after-else", message: `%${keyword} after %else` };
  }

  /** Forgets all conditionals; the place of the innermost that was open. */
  closeAll(): Place | undefined {
    const place = this.#open.at(-1)?.place;
    this.#open.length = 0;
    return place;
  }
}

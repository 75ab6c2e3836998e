import {
  compareValues,
  ExpressionError,
  type ExpressionValue,
  isTrue,
  readToken,
  type Token,
  type TokenExpander,
} from "./expression-token.ts";

/** What an expression may ask of its surroundings. */
export interface ExpressionContext {
  /** Expands macros inside `%[...]`; undefined for `%if`, whose line was expanded before. */
  readonly expand: TokenExpander;
  /** Calls `lua:name(...)`; undefined when there is no such function. */
  readonly call?: (name: string, values: readonly ExpressionValue[]) => string | undefined;
}

const depthMax = 400;

/**
 * Evaluates an expression of `%[...]`, `%{expr:...}` or `%if` (rpm's `rpmio/expression.c` and
 * `docs/manual/spec.md`): integers of 32 bits, strings and versions; `! - * / + == != < <= > >= &&
 * || ?:`; the branch that does not count is read, but not expanded.
 *
 * @throws ExpressionError with rpm's message.
 */
export function evaluateExpression(text: string, context: ExpressionContext): ExpressionValue {
  const parser = new ExpressionParser(text, context);
  return parser.whole();
}

class ExpressionParser {
  readonly #text: string;
  readonly #context: ExpressionContext;
  #token: Token = { kind: "end", at: 0 };
  #end = 0;
  #isSkipped = false;
  #depth = 0;

  constructor(text: string, context: ExpressionContext) {
    this.#text = text;
    this.#context = context;
  }

  whole(): ExpressionValue {
    this.#next();
    const value = this.#ternary();
    if (this.#token.kind !== "end") throw this.#error("syntax error in expression");
    return value;
  }

  #error(message: string): ExpressionError {
    return new ExpressionError(message, this.#token.at);
  }

  #next(): void {
    const { token, end } = readToken(this.#text, this.#end, this.#context.expand, this.#isSkipped);
    this.#token = token;
    this.#end = end;
  }

  #isOperator(...texts: string[]): boolean {
    return this.#token.kind === "operator" && texts.includes(this.#token.text);
  }

  #operator(): string {
    return this.#token.kind === "operator" ? this.#token.text : "";
  }

  #primary(): ExpressionValue {
    this.#depth += 1;
    if (this.#depth > depthMax) throw this.#error("expression is nested too deeply");
    const value = this.#primaryInner();
    this.#depth -= 1;
    return value;
  }

  #primaryInner(): ExpressionValue {
    const token = this.#token;
    if (token.kind === "value") {
      this.#next();
      return token.value;
    }
    if (token.kind === "function") return this.#call(token.name);
    if (token.kind === "end") throw this.#error("unexpected end of expression");
    if (token.text === "(") {
      this.#next();
      const value = this.#ternary();
      if (!this.#isOperator(")")) throw this.#error("unmatched (");
      this.#next();
      return value;
    }
    if (token.text === "-") {
      this.#next();
      const value = this.#primary();
      if (value.type !== "integer") throw this.#error("- only on numbers");
      return { type: "integer", value: -value.value | 0 };
    }
    if (token.text === "!") {
      this.#next();
      return { type: "integer", value: isTrue(this.#primary()) ? 0 : 1 };
    }
    throw this.#error("syntax error in expression");
  }

  #call(name: string): ExpressionValue {
    const values: ExpressionValue[] = [];
    this.#next();
    while (!this.#isOperator(")")) {
      values.push(this.#ternary());
      if (this.#isOperator(")")) break;
      if (!this.#isOperator(",")) throw this.#error("syntax error in expression");
      this.#next();
      if (this.#isOperator(")")) throw this.#error("syntax error in expression");
    }
    this.#next();
    if (!name.startsWith("lua:")) throw this.#error("unsupported function");
    if (this.#isSkipped) return { type: "string", value: "" };
    const result = this.#context.call?.(name.slice(4), values);
    if (result === undefined) throw this.#error(`no such Lua function: ${name.slice(4)}`);
    return { type: "string", value: result };
  }

  #product(): ExpressionValue {
    let left = this.#primary();
    while (this.#isOperator("*", "/")) {
      const operator = this.#operator();
      this.#next();
      const right = this.#primary();
      this.#checkTypes(left, right);
      if (left.type !== "integer" || right.type !== "integer") {
        throw this.#error(`* and / not supported for ${left.type}s`);
      }
      if (this.#isSkipped) continue;
      if (operator === "/" && right.value === 0) throw this.#error("division by zero");
      const value =
        operator === "*" ? Math.imul(left.value, right.value) : (left.value / right.value) | 0;
      left = { type: "integer", value };
    }
    return left;
  }

  #sum(): ExpressionValue {
    let left = this.#product();
    while (this.#isOperator("+", "-")) {
      const operator = this.#operator();
      this.#next();
      const right = this.#product();
      this.#checkTypes(left, right);
      if (left.type === "version") throw this.#error("+ and - not supported for versions");
      if (left.type === "string") {
        if (operator === "-") throw this.#error("- not supported for strings");
        left = { type: "string", value: left.value + String(right.value) };
      } else {
        const other = Number(right.value);
        left = {
          type: "integer",
          value: (operator === "+" ? left.value + other : left.value - other) | 0,
        };
      }
    }
    return left;
  }

  #relation(): ExpressionValue {
    let left = this.#sum();
    while (this.#isOperator("==", "!=", "<", "<=", ">", ">=")) {
      const operator = this.#operator();
      this.#next();
      const right = this.#sum();
      this.#checkTypes(left, right);
      const order = compareValues(left, right);
      const holds =
        operator === "=="
          ? order === 0
          : operator === "!="
            ? order !== 0
            : operator === "<"
              ? order < 0
              : operator === "<="
                ? order <= 0
                : operator === ">"
                  ? order > 0
                  : order >= 0;
      left = { type: "integer", value: holds ? 1 : 0 };
    }
    return left;
  }

  #logical(): ExpressionValue {
    let left = this.#relation();
    while (this.#isOperator("&&", "||")) {
      const operator = this.#operator();
      const leftHolds = isTrue(left);
      const wasSkipped = this.#isSkipped;
      if (operator === "&&" ? !leftHolds : leftHolds) this.#isSkipped = true;
      this.#next();
      const right = this.#relation();
      this.#checkTypes(left, right);
      if (operator === "&&" ? leftHolds : !leftHolds) left = right;
      this.#isSkipped = wasSkipped;
    }
    return left;
  }

  #ternary(): ExpressionValue {
    this.#depth += 1;
    if (this.#depth > depthMax) throw this.#error("expression is nested too deeply");
    const value = this.#ternaryInner();
    this.#depth -= 1;
    return value;
  }

  #ternaryInner(): ExpressionValue {
    const condition = this.#logical();
    if (!this.#isOperator("?")) return condition;
    const holds = isTrue(condition);
    const wasSkipped = this.#isSkipped;
    if (!holds) this.#isSkipped = true;
    this.#next();
    const first = this.#ternary();
    if (!this.#isOperator(":")) throw this.#error("syntax error in expression");
    this.#isSkipped = wasSkipped || holds;
    this.#next();
    const second = this.#ternary();
    this.#isSkipped = wasSkipped;
    this.#checkTypes(first, second);
    return holds ? first : second;
  }

  #checkTypes(left: ExpressionValue, right: ExpressionValue): void {
    if (left.type !== right.type) throw this.#error("types must match");
  }
}

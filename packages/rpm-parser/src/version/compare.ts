const digit = /^[0-9]$/;

/**
 * Orders two versions or two releases as rpm does (rpm's `rpmio/rpmvercmp.c` and
 * `rpm-version(7)`): runs of digits against runs of digits, letters against letters; `~` sorts
 * before anything, even the end; `^` sorts after the end, but before anything else.
 *
 * @returns negative, 0 or positive.
 */
export function compareVersions(left: string, right: string): -1 | 0 | 1 {
  if (left === right) return 0;
  let a = 0;
  let b = 0;
  for (;;) {
    while (a < left.length && !isSignificant(left, a)) a += 1;
    while (b < right.length && !isSignificant(right, b)) b += 1;
    const headA = left[a];
    const headB = right[b];
    if (headA === "~" || headB === "~") {
      if (headA !== "~") return 1;
      if (headB !== "~") return -1;
      a += 1;
      b += 1;
      continue;
    }
    if (headA === "^" || headB === "^") {
      if (headA === undefined) return -1;
      if (headB === undefined) return 1;
      if (headA !== "^") return 1;
      if (headB !== "^") return -1;
      a += 1;
      b += 1;
      continue;
    }
    if (headA === undefined || headB === undefined) break;
    const isNumber = digit.test(headA);
    const endA = runEnd(left, a, isNumber);
    const endB = runEnd(right, b, isNumber);
    // A number is newer than letters.
    if (endB === b) return isNumber ? 1 : -1;
    const order = compareRuns(left.slice(a, endA), right.slice(b, endB), isNumber);
    if (order !== 0) return order;
    a = endA;
    b = endB;
  }
  if (a >= left.length && b >= right.length) return 0;
  return a >= left.length ? -1 : 1;
}

function compareRuns(left: string, right: string, isNumber: boolean): -1 | 0 | 1 {
  const a = isNumber ? left.replace(/^0+/, "") : left;
  const b = isNumber ? right.replace(/^0+/, "") : right;
  if (isNumber && a.length !== b.length) return a.length < b.length ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isSignificant(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isAlphanumeric(code) || code === 0x7e || code === 0x5e;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isAlphanumeric(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function runEnd(text: string, start: number, ofDigits: boolean): number {
  let at = start;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (ofDigits ? !isDigit(code) : !isAlphanumeric(code) || isDigit(code)) break;
  }
  return at;
}

import { providersInStack } from "./stack-providers.ts";
import type { Stack } from "./stack.ts";

/**
 * The packages of the stack that an image's packages come from, with those that they need once
 * installed. What the base supplies is not among them.
 */
export function imageNeeds(stack: Stack, packages: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const next of stack.packages.get(name)?.runtimeNeeds ?? []) visit(next);
  };
  for (const name of packages.flatMap((wanted) => providersInStack(stack, wanted))) visit(name);
  return stack.order.filter((name) => found.has(name));
}

import { capabilityMatches, parseCapability } from "rpm-parser";
import type { Stack } from "./stack.ts";

/**
 * Names of the packages of a stack whose RPMs are known to provide a capability, such as `glib2`
 * or `pkgconfig(glib-2.0) >= 2.80`; none where only a base can.
 */
export function providersInStack(stack: Stack, capability: string): string[] {
  const wanted = parseCapability(capability) ?? { name: capability };
  return [...stack.packages.values()]
    .filter(({ model }) => model.provides.some((provided) => capabilityMatches(provided, wanted)))
    .map(({ name }) => name);
}

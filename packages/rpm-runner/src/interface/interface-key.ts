import { type Sha256, sha256Json, type Store } from "@cleanroom/core";
import { closureOf } from "@cleanroom/rootfs";
import { actionKey, type ActionInputs } from "../action-key.ts";
import { interfaceOfRpm } from "./rpm-interface.ts";

/**
 * The key of a build that takes some packages of its build root by their interface: as long as they
 * offer the same, it stays, whatever else of them changed.
 *
 * @param names of the packages that were built from specs, as their repositories are named
 * @returns undefined where the build root has none of them
 */
export async function interfaceKey(
  store: Store,
  inputs: ActionInputs,
  names: ReadonlySet<string>,
): Promise<Sha256 | undefined> {
  const { packages } = inputs.closure;
  if (!packages.some(({ repository }) => names.has(repository))) return undefined;
  const seen = await Promise.all(
    packages.map(async (entry) =>
      names.has(entry.repository)
        ? { ...entry, sha256: await interfaceOfRpm(store, entry.sha256) }
        : entry,
    ),
  );
  return sha256Json({
    action: "rpm-build-by-interface",
    key: actionKey({ ...inputs, closure: closureOf(seen) }),
  });
}

/** What a machine can build, by its architecture (the build tables of rpm's `rpmrc`). */
const buildable: Readonly<Record<string, readonly string[]>> = {
  i386: ["i386"],
  i486: ["i486", "i386"],
  i586: ["i586", "i486", "i386"],
  i686: ["i686", "i586", "i486", "i386"],
};

/** The architectures that packages can be built for on a machine of this one; always `noarch`. */
export function compatibleArchs(arch: string): ReadonlySet<string> {
  return new Set([arch, ...(buildable[arch] ?? []), "noarch"]);
}

export {
  type Closure,
  closureOf,
  type ClosurePackage,
  nevraOf,
  type Repository,
} from "./closure.ts";
export { encodePurl, type PackageAddress, rpmPurl } from "./purl.ts";
export { type ForbiddenNeed, forbiddenNeeds, type ForbidRule } from "./forbidden-needs.ts";
export { type PackageNeeds, readPackageNeeds } from "./package-needs.ts";
export { fetchClosure } from "./fetch-closure.ts";
export { type ResolveRequest, resolveClosure } from "./resolve.ts";
export { type LayeredRoot, makeLayeredRoot, type PackageToInstall } from "./layered-root.ts";
export { makeRoot, type RootOptions } from "./root.ts";
export { ownFolders, rpmDatabasePath } from "./run-installer.ts";

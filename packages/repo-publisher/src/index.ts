export { currentGeneration, type Generation, listGenerations, rollback } from "./generation.ts";
export type { GenerationRecord } from "./generation-record.ts";
export type { PublishedPackage } from "./published-package.ts";
export type { PackageToPublish } from "./assemble.ts";
export { publish, type PublishOptions } from "./publish.ts";
export type { MetadataCompression } from "./metadata/packing.ts";
export {
  defaultPort,
  type RepositoryServer,
  serve,
  type ServeOptions,
  type ServeSource,
} from "./serve/serve.ts";
export type { KeyPair, PublisherContext, SigningKey } from "./sign/signing-key.ts";
export { importKey, rotateKey, signingKey } from "./sign/manage-keys.ts";
export type { PublishChecks } from "./verify/checks.ts";
export { diffGenerations, type PackageChange } from "./diff.ts";
export { defaultRetention, prune, type Retention } from "./retention.ts";
export {
  type RepositoryProblem,
  verifyRepository,
  type VerifyOptions,
  type VerifyResult,
} from "./verify/verify.ts";
export { exportGeneration, type ExportOptions, type ExportResult } from "./export/export.ts";
export type { S3Options } from "./export/s3-target.ts";
export type { ExternalSigner } from "./sign/external-signer.ts";
export {
  type RepositoryExtras,
  type RepositoryFile,
  repositoryFileSchema,
} from "./extras/repository-file.ts";

export { buildImage, type BuildOptions } from "./build-image.ts";
export { type ContainerEngine, findEngine } from "./deliver/container-engine.ts";
export type { ImageContext, ImageRepository, ImageRequest } from "./context.ts";
export { type ImageIndex, indexImages } from "./deliver/index-images.ts";
export { type ImageKey, imageKey } from "./deliver/sign-image.ts";
export { diffImages, type ImageDiff, type ListedImage } from "./describe/diff-images.ts";
export { type ImageFile, imageFileSchema, readImageFile } from "./image-file.ts";
export { urlOf } from "./deliver/publish-ports.ts";
export {
  type BuiltFile,
  type BuiltImage,
  type BuiltLayer,
  type BuiltPackage,
  inspectImage,
  readContents,
} from "./describe/image-record.ts";
export type { LockChange } from "./lock/lock-change.ts";
export { type ImageLock, readImageLock } from "./lock/lock-file.ts";
export { lockImage } from "./lock/lock-image.ts";
export { type PushedImage, pushImage } from "./deliver/push-image.ts";
export { reportImage } from "./describe/report-image.ts";
export {
  checkRunOptions,
  runImage,
  type RunningImage,
  type RunOptions,
} from "./deliver/run-image.ts";
export {
  downImage,
  followImageLogs,
  imageLogs,
  type ImageStatus,
  imageStatus,
} from "./deliver/running-image.ts";
export { saveImage } from "./deliver/save-image.ts";
export { type SquashedImage, squashImage, squashLines } from "./squash/squash-image.ts";
export { verifyImage } from "./describe/verify-image.ts";
export { type Reason, whyInImage } from "./describe/why.ts";

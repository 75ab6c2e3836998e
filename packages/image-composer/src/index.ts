export { buildImage, type BuildOptions } from "./build-image.ts";
export type { ImageContext, ImageRepository, ImageRequest } from "./context.ts";
export { diffImages, type ImageDiff, type ListedImage } from "./diff-images.ts";
export { type ImageFile, imageFileSchema, readImageFile } from "./image-file.ts";
export {
  type BuiltFile,
  type BuiltImage,
  type BuiltLayer,
  type BuiltPackage,
  inspectImage,
  readContents,
} from "./image-record.ts";
export type { LockChange } from "./lock-change.ts";
export { type ImageLock, readImageLock } from "./lock-file.ts";
export { lockImage } from "./lock-image.ts";
export { type PushedImage, pushImage } from "./push-image.ts";
export { reportImage } from "./report-image.ts";
export { runImage, type RunningImage, type RunOptions } from "./run-image.ts";
export { downImage, imageLogs, type ImageStatus, imageStatus } from "./running-image.ts";
export { saveImage } from "./save-image.ts";
export { verifyImage } from "./verify-image.ts";
export { type Reason, whyInImage } from "./why.ts";

export { packageFileSchema } from "./package-file.ts";
export { readStack, type Stack, type StackOptions, type StackPackage } from "./stack.ts";
export { buildClosure } from "./stack-graph.ts";
export { imageNeeds } from "./image-needs.ts";

import { messageOf } from "@cleanroom/core";
import { type FileToIdentify, type Identification, identifyPackage } from "./identify.ts";
import { packChunk, type PackedChunk, type PackageToDescribe } from "./pack-chunk.ts";

/** What packages are read for. */
export type Question =
  | { readonly identify: readonly FileToIdentify[] }
  | { readonly pack: readonly PackageToDescribe[] };

export type Answer =
  | { readonly identified: readonly Identification[] }
  | { readonly packed: PackedChunk }
  | { readonly failure: string };

/** Never throws: errors do not travel between threads. */
export function answerQuestion(question: Question): Answer {
  try {
    return "identify" in question
      ? { identified: question.identify.map(identifyPackage) }
      : { packed: packChunk(question.pack) };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

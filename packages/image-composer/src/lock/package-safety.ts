import { CleanroomError } from "@cleanroom/core";
import type { RpmFile, RpmHeader } from "rpm-parser";

/** Bytes that one package may install: far above any real one, far below a full disk. */
const installedBytesMax = 16 * 1024 ** 3;

/**
 * Refuses a package whose file list could make rpm, or whoever unpacks the image, write where it
 * should not: before anything of it is unpacked.
 *
 * @throws {CleanroomError} `package-hostile`, with the package and the entry
 */
export function checkPackageFiles(header: Pick<RpmHeader, "nevra" | "files">): void {
  const byPath = new Map<string, RpmFile>();
  let bytes = 0;
  for (const file of header.files) {
    const refuse = (why: string): never => {
      throw new CleanroomError(
        "package-hostile",
        `${header.nevra} is refused: ${JSON.stringify(file.path)} ${why}`,
        { hint: "a package like this was not made by rpmbuild: find out where it came from" },
      );
    };
    const problem = problemOf(file);
    if (problem !== undefined) refuse(problem);
    if (byPath.has(file.path)) refuse("is listed twice");
    byPath.set(file.path, file);
    bytes += file.type === "file" ? file.sizeBytes : 0;
    if (bytes > installedBytesMax) refuse(`brings its package over ${installedBytesMax} bytes`);
  }
  const seen = new Set<string>();
  for (const file of header.files) {
    for (let at = parentOf(file.path); at !== "" && !seen.has(at); at = parentOf(at)) {
      seen.add(at);
      const above = byPath.get(at);
      if (above === undefined || above.type === "directory") continue;
      throw new CleanroomError(
        "package-hostile",
        `${header.nevra} is refused: ${JSON.stringify(file.path)} is below ${JSON.stringify(at)}, which the package makes a ${above.type}`,
        { hint: "a package like this was not made by rpmbuild: find out where it came from" },
      );
    }
  }
}

/** Paths with which nothing is wrong, of which there are thousands: told at a glance. */
// oxlint-disable-next-line no-control-regex
const usualPath = /^(?:\/(?!\.)[^\0-\x1f\x7f/\uFFFD]+)+$/;
const usualPathLengthMax = 1000;

function problemOf(file: RpmFile): string | undefined {
  const problem =
    file.path.length <= usualPathLengthMax && usualPath.test(file.path)
      ? undefined
      : pathProblem(file.path);
  if (problem !== undefined) return problem;
  const { type, mode } = file;
  if (type !== "file" && type !== "directory" && type !== "symlink") return `is a ${type}`;
  if (type === "symlink" && (file.linkTarget === "" || file.linkTarget.includes("\0"))) {
    return "is a link to nothing";
  }
  if (type === "directory" && (mode & 0o4000) !== 0) return "is a setuid directory";
  return file.sizeBytes < 0 ? "has a negative size" : undefined;
}

function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return "is not absolute";
  const steps = path.slice(1).split("/");
  if (path !== "/" && steps.some((step) => step === "" || step === "." || step === "..")) {
    return "does not name one place";
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f\uFFFD]/.test(path)) return "holds a control character";
  if (Buffer.byteLength(path) > 4095) return "is longer than any path can be";
  // OCI image specification, layer.md, "Whiteouts".
  return path.includes("/.wh.") ? "would hide files of other layers" : undefined;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

import { CleanroomError, nameMatcher, pathMatcher } from "@cleanroom/core";
import type { RpmHeader } from "rpm-parser";
import { chainTo, type DependencyGraph, dependencyGraph } from "./dependency-graph.ts";
import type { ImageFile } from "../image-file.ts";
import { megabytes } from "../sizes.ts";

/** A file of the finished image. */
export interface ImageContent {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
  readonly isLink: boolean;
  /** Of a regular file. */
  readonly sizeBytes: number;
  /** Of a file its content's SHA-256, of a link its target. */
  readonly content: string;
  /** It names the folder in which packages are built. */
  readonly hasBuildPath: boolean;
  /** Index of the package that holds it; undefined in the state layer. */
  readonly package?: number | undefined;
}

/** A directory of the finished image. */
export interface ImageDirectory {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
  /** Index of a package that lists it; undefined when none does, or image.yaml asks for it. */
  readonly package?: number | undefined;
}

/** What an image is judged by. */
export interface PolicySubject {
  readonly image: ImageFile;
  readonly headers: readonly RpmHeader[];
  readonly contents: readonly ImageContent[];
  readonly directories: readonly ImageDirectory[];
  readonly unpackedBytes: number;
  /** For each package the bytes of its files that the image holds. */
  readonly packageBytes: readonly number[];
}

export interface Violation {
  readonly rule: string;
  readonly message: string;
}

/** Package names that have no place in any image. */
const forbiddenPackages = ["*-devel", "*-dev", "*-static", "*-debuginfo", "*-debugsource", "*-dbg"];

/** Files that have no place in any image, by what they are. */
const forbiddenFiles: readonly { readonly rule: string; readonly globs: readonly string[] }[] = [
  {
    rule: "no compiler",
    globs: [
      "/usr/bin/{cc,c++,c89,c99,cpp,gcc,g++,clang,clang++,rustc,go,valac,as,ar,ld,ld.bfd,ld.gold,ld.lld,mold}",
      "/usr/bin/*-{gcc,g++,cpp,as,ld}{,-[0-9]*}",
      "/usr/bin/{gcc,g++,cpp,clang}-[0-9]*",
      "/usr/lib*/**/{cc1,cc1plus,collect2,lto1}",
      "/usr/libexec/**/{cc1,cc1plus,collect2,lto1}",
    ],
  },
  {
    rule: "no build tool",
    globs: ["/usr/bin/{make,cmake,meson,ninja,rpmbuild,pkg-config,pkgconf}"],
  },
  {
    rule: "no development file",
    globs: [
      "/usr/include/**",
      "/usr/lib*/**/*.{a,la,o}",
      "/usr/{lib*,share}/**/pkgconfig/*.pc",
      "/usr/share/{aclocal,gir-1.0,vala}/**",
    ],
  },
  { rule: "no source", globs: ["/usr/src/**", "/**/*.{c,cc,cpp,cxx,h,hpp,rs,vala,spec,src.rpm}"] },
  {
    rule: "no package manager cache",
    globs: [
      "/var/cache/{dnf,libdnf*,yum,apt,zypp}/**",
      "/var/lib/{dnf,yum,apt}/**",
      "/var/log/{dnf*,apt,yum*}{,/**}",
    ],
  },
  { rule: "no temporary file", globs: ["/tmp/**", "/var/tmp/**", "/run/**"] },
];

/** The rules that an image keeps, in words: those of every image, then its own. */
export function policyRules({ policy }: Pick<ImageFile, "policy">): readonly string[] {
  const { forbid, profiles, allow, size } = policy;
  const list = (what: string, globs: readonly string[]): string[] =>
    globs.length === 0 ? [] : [`${what}: ${globs.join(" ")}`];
  return [
    ...list("no package", [...forbiddenPackages, ...forbid.packages]),
    ...forbiddenFiles.map(({ rule, globs }) => `${rule}: ${globs.join(" ")}`),
    "no build path in any file",
    "no file or directory that everyone may write, but for sticky directories",
    ...list("no capability", forbid.capabilities),
    ...list("nothing that profiles forbid", profiles),
    ...list("no file", forbid.files),
    ...list("no licence", forbid.licenses),
    ...(forbid.setuid ? ["no setuid or setgid file"] : []),
    ...(size === undefined ? [] : [`at most ${megabytes(size)} unpacked`]),
    ...list("allowed all the same: packages", allow.packages),
    ...list("allowed all the same: files", allow.files),
  ];
}

/** How many packages an image that is too big is blamed on. */
const biggestMax = 5;

/**
 * Judges an image by the rules that hold for every image and those of its own policy.
 *
 * @returns one violation a package or file, in the order of the rules; empty when all is well
 */
export function findViolations(subject: PolicySubject): readonly Violation[] {
  const { image, headers, contents, directories, unpackedBytes, packageBytes } = subject;
  const { forbid, allow, size } = image.policy;
  let known: DependencyGraph | undefined;
  const chain = (index: number): string => {
    known ??= dependencyGraph(headers, image.packages);
    return chainTo(known, headers, index);
  };
  const allowedPackage = nameMatcher(allow.packages);
  const allowedFile = pathMatcher(allow.files);
  const violations: Violation[] = [];
  const blame = (rule: string, message: string, index: number | undefined): void => {
    const by = index === undefined ? "state layer" : chain(index);
    violations.push({ rule, message: `${rule}: ${message} [${by}]` });
  };
  const isForbiddenPackage = nameMatcher([...forbiddenPackages, ...forbid.packages]);
  const isForbiddenCapability = nameMatcher(forbid.capabilities);
  const isForbiddenLicense = nameMatcher(forbid.licenses);
  for (const [index, header] of headers.entries()) {
    if (allowedPackage(header.name)) continue;
    if (isForbiddenPackage(header.name)) blame("forbidden package", header.nevra, index);
    if (isForbiddenLicense(header.license)) {
      blame("forbidden licence", `${header.nevra}: ${header.license}`, index);
    }
    for (const [word, list] of [
      ["provides", header.provides],
      ["requires", header.requires],
    ] as const) {
      const found = list.find(({ name }) => isForbiddenCapability(name));
      if (found !== undefined) {
        blame("forbidden capability", `${header.nevra} ${word} ${found.text}`, index);
      }
    }
  }
  const rules = [
    ...forbiddenFiles.map(({ rule, globs }) => ({ rule, matches: pathMatcher(globs) })),
    { rule: "forbidden file", matches: pathMatcher(forbid.files) },
  ];
  for (const { path, mode, isLink, hasBuildPath, package: index } of contents) {
    if (allowedFile(path)) continue;
    const broken = rules.find(({ matches }) => matches(path));
    if (broken !== undefined) blame(broken.rule, path, index);
    if (hasBuildPath) blame("build path in a file", path, index);
    if (isLink) continue;
    if (forbid.setuid && (mode & 0o6000) !== 0) blame("setuid or setgid file", path, index);
    if ((mode & 0o002) !== 0) blame("file writable by everyone", path, index);
  }
  for (const { path, mode, package: index } of directories) {
    // With the sticky bit, as /tmp has it, nobody can take away or replace what is another's.
    if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0 && !allowedFile(path)) {
      blame("directory writable by everyone", path, index);
    }
  }
  if (size !== undefined && unpackedBytes > size) {
    const biggest = [...packageBytes.entries()].toSorted(([, a], [, b]) => b - a);
    const list = biggest
      .slice(0, biggestMax)
      .map(([index, bytes]) => `${megabytes(bytes)} [${chain(index)}]`);
    violations.push({
      rule: "size",
      message: `size: ${megabytes(unpackedBytes)} unpacked, over the ${megabytes(size)} allowed; the biggest packages: ${list.join(", ")}`,
    });
  }
  return violations;
}

/** How many violations an error lists. */
const listedMax = 20;

/** @throws {CleanroomError} `policy-violated`, naming each violation and how it came in */
export function checkPolicy(name: string, subject: PolicySubject): void {
  const violations = findViolations(subject);
  if (violations.length === 0) return;
  const more = violations.length - listedMax;
  throw new CleanroomError(
    "policy-violated",
    [
      `image ${name} breaks its policy:`,
      ...violations.slice(0, listedMax).map(({ message }) => `    ${message}`),
      ...(more > 0 ? [`    and ${more} more`] : []),
    ].join("\n"),
    {
      place: { step: `image ${name}` },
      hint: "leave the package out or strip it with a profile; or, on purpose, name it in image.yaml under policy.allow",
    },
  );
}

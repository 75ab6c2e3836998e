import { readFile, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import {
  CleanroomError,
  mapConcurrent,
  messageOf,
  runInSandbox,
  writeFileAtomic,
} from "@cleanroom/core";
import { compareText } from "../assemble.ts";
import { metadataLocations } from "../locations.ts";
import { type Identification, identifyPackage } from "../metadata/identify.ts";
import { publicKeyFileName } from "../repo-file.ts";
import type { PublisherContext } from "../sign/signing-key.ts";
import { findOffenders, type PublishChecks } from "./checks.ts";
import { type Inspection, inspectRepository } from "./inspect-repository.ts";
import { repositorySource, type RepositorySource } from "./repository-source.ts";

export interface VerifyOptions extends PublisherContext {
  /** A folder, or a URL with `http:`, `https:` or `file:`. */
  readonly target: string;
  /**
   * Public keys in ASCII armour that are trusted. When absent, the key that the repository itself
   * offers: that shows whether it is consistent, not whose it is.
   */
  readonly publicKeys?: string;
  readonly checks?: PublishChecks;
}

/** Something that is wrong with a repository. */
export interface RepositoryProblem {
  /**
   * `metadata`, `package-missing`, `package-digest`, `package-unreadable`, `package-signature`,
   * `nevra-conflict`, `development-build`, `forbidden`, `incomplete`.
   */
  readonly code: string;
  /** What it is about: a location or a NEVRA. */
  readonly subject: string;
  readonly message: string;
}

export interface VerifyResult {
  readonly target: string;
  readonly packages: number;
  /** Empty when all is well. */
  readonly problems: readonly RepositoryProblem[];
}

/**
 * Checks any yum repository as its clients would, and more thoroughly: the metadata's signature
 * and digests, each package's digest and signature, two packages of one NEVRA, development builds,
 * and on request what is checked before publishing. What is wrong is the result, not an error.
 *
 * @throws CleanroomError `repository-file` when the metadata cannot be had at all
 */
export async function verifyRepository(options: VerifyOptions): Promise<VerifyResult> {
  const { store, tools, target, checks = {} } = options;
  const source = repositorySource(target);
  return store.withTemporaryFolder("verify", async (folder) => {
    const mirror = path.join(folder, "repository");
    const keyFile = path.join(folder, "keys.asc");
    const problems: RepositoryProblem[] = [];
    await source.fetch("repodata/repomd.xml", path.join(mirror, "repodata/repomd.xml"));
    let inspection: Inspection;
    try {
      await writeFileAtomic(keyFile, options.publicKeys ?? (await offeredKey(source, folder)));
      await mirrorMetadata(source, mirror);
      inspection = await inspectRepository(tools, mirror, {
        keyFile,
        bases: checks.bases ?? [],
        closure: checks.bases !== undefined,
      });
    } catch (error) {
      if (!(error instanceof CleanroomError)) throw error;
      problems.push({ code: "metadata", subject: "repodata", message: messageOf(error) });
      return { target: source.name, packages: 0, problems };
    }
    // Whoever made the metadata may have listed them in any order, createrepo_c's threads do.
    const packages = inspection.packages.toSorted((a, b) => compareText(a.location, b.location));
    problems.push(...conflicts(packages));
    problems.push(...(await checkPackages(options, source, packages, keyFile, folder)));
    for (const { code, nevra, reasons } of findOffenders(inspection, checks)) {
      problems.push({
        code: code === "repository-forbidden" ? "forbidden" : "incomplete",
        subject: nevra,
        message: reasons.join("; "),
      });
    }
    return { target: source.name, packages: packages.length, problems };
  });
}

async function offeredKey(source: RepositorySource, folder: string): Promise<string> {
  const target = path.join(folder, "offered.asc");
  await source.fetch(publicKeyFileName, target);
  return readFile(target, "utf8");
}

/** Fetches the signature and every file that repomd.xml names. Whether they are right, dnf says. */
async function mirrorMetadata(source: RepositorySource, mirror: string): Promise<void> {
  const repomd = await readFile(path.join(mirror, "repodata/repomd.xml"), "utf8");
  for (const location of ["repodata/repomd.xml.asc", ...metadataLocations(repomd)]) {
    if (!/^repodata\/[\w.-]+$/.test(location)) {
      throw new CleanroomError("repository-file", `repomd.xml names the strange file ${location}`);
    }
    await source.fetch(location, path.join(mirror, location));
  }
}

type ListedPackage = Inspection["packages"][number];

function conflicts(packages: readonly ListedPackage[]): RepositoryProblem[] {
  const byNevra = new Map<string, ListedPackage>();
  const problems: RepositoryProblem[] = [];
  for (const one of packages) {
    const other = byNevra.get(one.nevra);
    byNevra.set(one.nevra, one);
    if (other === undefined || other.sha256 === one.sha256) continue;
    const message = `two different packages are called ${one.nevra}: ${other.location}, ${one.location}`;
    problems.push({ code: "nevra-conflict", subject: one.nevra, message });
  }
  return problems;
}

/** Packages are looked at in lots of this size, so that a large repository does not fill the disk. */
const lotSize = 50;

function lotName(index: number): string {
  return `${index}.rpm`;
}

async function checkPackages(
  { tools }: PublisherContext,
  source: RepositorySource,
  packages: readonly ListedPackage[],
  keyFile: string,
  folder: string,
): Promise<readonly RepositoryProblem[]> {
  const problems: RepositoryProblem[] = [];
  const lot = path.join(folder, "lot");
  for (let start = 0; start < packages.length; start += lotSize) {
    const some = packages.slice(start, start + lotSize);
    const found = await mapConcurrent(some, availableParallelism(), async (one, index) => {
      const file = path.join(lot, lotName(index));
      try {
        await source.fetch(one.location, file);
      } catch (error) {
        if (!(error instanceof CleanroomError)) throw error;
        return { code: "package-missing", subject: one.location, message: error.message } as const;
      }
      return packageProblem(one, identifyPackage({ file, sha256: one.sha256 ?? "" }));
    });
    problems.push(...found.filter((problem) => problem !== undefined));
    // In order, whichever was there first.
    const names = new Map(
      some.flatMap(({ location }, index): [string, string][] => {
        const code = found[index]?.code;
        const isPackage = code === undefined || code === "development-build";
        return isPackage ? [[lotName(index), location]] : [];
      }),
    );
    problems.push(...(await checkSignatures(tools.root, keyFile, lot, names)));
    await rm(lot, { recursive: true, force: true });
  }
  return problems;
}

function packageProblem(
  { location: subject, sha256, sizeBytes }: ListedPackage,
  found: Identification,
): RepositoryProblem | undefined {
  if ("failure" in found) return { code: "package-unreadable", subject, message: found.failure };
  if ("actualSha256" in found) {
    const message = `the metadata has sha256 ${sha256}, the package ${found.actualSha256}`;
    return { code: "package-digest", subject, message };
  }
  if (found.sizeBytes !== sizeBytes) {
    const message = `the metadata has ${sizeBytes} bytes, the package ${found.sizeBytes}`;
    return { code: "package-digest", subject, message };
  }
  if (!found.development) return undefined;
  return { code: "development-build", subject, message: "it is not from the locked sources" };
}

async function checkSignatures(
  root: string,
  keyFile: string,
  folder: string,
  locations: ReadonlyMap<string, string>,
): Promise<RepositoryProblem[]> {
  if (locations.size === 0) return [];
  const mounts = [
    { source: folder, target: "/packages" },
    { source: keyFile, target: "/keys.asc" },
  ];
  const { stdout } = await runInSandbox(
    { root, mounts, cwd: "/packages" },
    ["sh", "-euc", checkSignaturesScript, "sh", ...locations.keys()],
    { step: "check the packages' signatures" },
  );
  // rpmkeys prints "NAME: digests signatures OK", or what is not.
  return stdout.split("\n").flatMap((line) => {
    const [, name = "", verdict = ""] = /^([^:]+\.rpm): (.*)$/.exec(line) ?? [];
    const subject = locations.get(name);
    if (subject === undefined || verdict === "digests signatures OK") return [];
    return [{ code: "package-signature", subject, message: `rpmkeys says: ${verdict}` }];
  });
}

const checkSignaturesScript = `
mkdir /tmp/rpmdb
rpmkeys --dbpath /tmp/rpmdb --import /keys.asc
rpmkeys --dbpath /tmp/rpmdb --define '_pkgverify_level all' --checksig "$@" || true
`;

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { CleanroomError, isMissingFile, readYamlFile } from "@cleanroom/core";
import { BuildEvaluator, type EvaluatedBuild } from "./evaluated-build.ts";
import { type PackageFile, packageFileSchema, type PackageStage } from "./package-file.ts";
import { profileFileSchema } from "./profile/profile-file.ts";
import { readProfiles } from "./profile/read-profiles.ts";
import { type CapabilityRule, type Profile, profileFromFile, rulesOf } from "./profile/rule.ts";
import type { BuildId } from "./stack-graph.ts";

/** What the specs are evaluated with: committed files alone. */
export interface StackOptions {
  /** RPM macros of the base. */
  readonly macros: Readonly<Record<string, string>>;
  /** RPM's name of the architecture, such as x86_64. */
  readonly arch: string;
}

/** One build of a spec of the workspace, evaluated with the macros of the base. */
export interface ReadBuild extends BuildId, EvaluatedBuild {
  /** Absolute path of specs/rpm/NAME. */
  readonly folder: string;
  /** The same, relative to the workspace, for messages. */
  readonly displayFolder: string;
  /** What neither its spec nor its RPMs may ask for, by its profiles. */
  readonly forbid: readonly CapabilityRule[];
  /** What its build is expected to take, by its package.yaml. */
  readonly buildSeconds: number | undefined;
  /** When a new build of it stops there. */
  readonly cutoff: PackageFile["cutoff"];
}

/** All builds of a spec. */
export interface ReadPackage {
  readonly last: ReadBuild;
  readonly bootstrap: ReadBuild | undefined;
  readonly profiles: readonly Profile[];
}

/** A spec of the workspace. */
export interface SpecFile {
  /** Relative to the workspace. */
  readonly file: string;
  /** Whether a package.yaml is beside it. */
  readonly hasPackageFile: boolean;
}

/** `specs/rpm/NAME/*.spec`, sorted. Read here, for every start would pay for loading a library. */
export function specFiles(workspace: string): SpecFile[] {
  const names = (folder: string): string[] => {
    try {
      return readdirSync(path.join(workspace, folder)).filter((name) => !name.startsWith("."));
    } catch (error) {
      // What is missing, or is no folder.
      if (isMissingFile(error)) return [];
      throw error;
    }
  };
  return names("specs/rpm")
    .flatMap((name) => {
      const files = names(`specs/rpm/${name}`);
      const hasPackageFile = files.includes("package.yaml");
      return files
        .filter((file) => file.endsWith(".spec"))
        .map((file) => ({ file: `specs/rpm/${name}/${file}`, hasPackageFile }));
    })
    .toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

/** Reads packages one by one: the profiles that some share are read once. */
export class PackageFolderReader {
  readonly #workspace: string;
  readonly #evaluator: BuildEvaluator;
  readonly #profiles = new Map<string, Promise<readonly Profile[]>>();

  constructor(workspace: string, options: StackOptions) {
    this.#workspace = workspace;
    this.#evaluator = new BuildEvaluator(options);
  }

  /** How many builds had to be evaluated so far: the others were remembered. */
  get evaluatedCount(): number {
    return this.#evaluator.evaluatedCount;
  }

  /**
   * Reads a spec with its package.yaml, and evaluates its builds.
   *
   * @throws {CleanroomError} `spec-invalid` with file:line:col; `spec-misplaced`; `stage-condition`;
   *   what `readProfiles` and `readYamlFile` throw
   */
  async read({ file, hasPackageFile }: SpecFile): Promise<ReadPackage> {
    const folder = path.join(this.#workspace, path.dirname(file));
    const name = path.basename(file, ".spec");
    if (path.basename(folder) !== name) {
      throw new CleanroomError("spec-misplaced", `${file} must be in a folder named ${name}`, {
        place: { file },
        exitCode: 2,
      });
    }
    const packageFile = hasPackageFile
      ? await this.#readPackageFile(path.dirname(file))
      : packageFileSchema.parse({});
    const profiles = await this.#profilesOf(packageFile.profiles);
    // Thousands of small files: a thread for each would cost more than reading them.
    const text = readFileSync(path.join(this.#workspace, file), "utf8");
    const build = (stage: BuildId["stage"], switches: readonly Profile[]): ReadBuild => ({
      name,
      stage,
      folder,
      displayFolder: path.dirname(file),
      ...this.#evaluator.evaluate({ text, file, profiles, switches }),
      buildSeconds: packageFile.buildSeconds,
      cutoff: packageFile.cutoff,
      forbid: profiles.flatMap((profile) => profile.forbid),
    });
    const last = build(undefined, []);
    if (last.model.name !== name) {
      throw new CleanroomError(
        "spec-misplaced",
        `${file} describes ${last.model.name}, not ${name}`,
        {
          place: { file },
          exitCode: 2,
        },
      );
    }
    const stage = packageFile.stages.bootstrap;
    if (stage === undefined) return { last, bootstrap: undefined, profiles };
    const switches = stageProfile(name, stage);
    const bootstrap = build("bootstrap", [switches]);
    const missing = rulesOf(switches).find((rule) => !bootstrap.matched.has(rule));
    if (missing !== undefined) {
      throw new CleanroomError(
        "stage-condition",
        `the bootstrap stage switches ${missing.match}, which ${file} does not declare`,
        {
          place: { file: `${path.dirname(file)}/package.yaml` },
          exitCode: 2,
          hint: `it declares: ${last.model.buildConditions.map((one) => one.name).join(", ")}`,
        },
      );
    }
    return { last, bootstrap, profiles };
  }

  #readPackageFile(folder: string): Promise<PackageFile> {
    const displayName = path.join(folder, "package.yaml");
    return readYamlFile(path.join(this.#workspace, displayName), packageFileSchema, displayName);
  }

  #profilesOf(names: readonly string[]): Promise<readonly Profile[]> {
    const known = this.#profiles.get(names.join("\0")) ?? readProfiles(this.#workspace, names);
    this.#profiles.set(names.join("\0"), known);
    return known;
  }
}

/** What a stage switches, as a profile of its own. */
function stageProfile(name: string, stage: PackageStage): Profile {
  const bcond = Object.fromEntries([
    ...stage.with.map((condition) => [condition, true] as const),
    ...stage.without.map((condition) => [condition, false] as const),
  ]);
  const description = `The bootstrap stage of ${name}`;
  return profileFromFile(
    "stage bootstrap",
    profileFileSchema.parse({ description, packages: { [name]: { bcond } } }),
  );
}

import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  type BaseFile,
  CleanroomError,
  type Logger,
  nameMatcher,
  run,
  type Store,
} from "@cleanroom/core";
import type { LockedPackage } from "./lock-file.ts";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Debian's names of the architectures that RPM names. */
const debianArch = { x86_64: "amd64", aarch64: "arm64" } as const;

/**
 * Asks apt on this host with a state of our own: its lists, its (empty) package database and its
 * preferences are folders of the store. The host's dpkg and apt are read for the mirror's
 * address and for the archive keys, and never touched. Signatures are checked by apt as always.
 */
export class PrivateApt {
  readonly #folder: string;
  readonly #mirror: string;
  readonly #suites: readonly string[];

  private constructor(folder: string, mirror: string, suites: readonly string[]) {
    this.#folder = folder;
    this.#mirror = mirror;
    this.#suites = suites;
  }

  static async open(store: Store, baseName: string, base: BaseFile): Promise<PrivateApt> {
    const folder = store.path("apt", baseName);
    const mirror = await debianMirror();
    for (const name of ["lists/partial", "archives/partial", "sources", "preferences", "conf"]) {
      await mkdir(path.join(folder, name), { recursive: true });
    }
    await writeFile(path.join(folder, "status"), "");
    await writeFile(
      path.join(folder, "sources/base.sources"),
      base.suites
        .map(({ name }) =>
          [
            "Types: deb deb-src",
            `URIs: ${mirror}`,
            `Suites: ${name}`,
            "Components: main",
            `Signed-By: ${keyring}`,
          ].join("\n"),
        )
        .join("\n\n") + "\n",
    );
    await writeFile(path.join(folder, "preferences/base"), preferences(base));
    const quoted = (name: string): string => `"${path.join(folder, name)}"`;
    await writeFile(
      path.join(folder, "apt.conf"),
      `Dir::State::lists ${quoted("lists")};
Dir::State::status ${quoted("status")};
Dir::State::extended_states ${quoted("extended_states")};
Dir::Cache ${quoted("")};
Dir::Cache::archives ${quoted("archives")};
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts ${quoted("sources")};
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts ${quoted("preferences")};
APT::Architecture "${debianArch[base.arch]}";
APT::Architectures { "${debianArch[base.arch]}"; };
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Upgrade-By-Source-Package "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::ForceHash "SHA256";
Acquire::Retries "3";
`,
    );
    return new PrivateApt(
      folder,
      mirror,
      base.suites.map(({ name }) => name),
    );
  }

  async #apt(program: string, args: readonly string[], step: string): Promise<string> {
    const { stdout } = await run(program, args, {
      step,
      env: {
        ...proxies(),
        APT_CONFIG: path.join(this.#folder, "apt.conf"),
        LC_ALL: "C.UTF-8",
        PATH: "/usr/bin:/usr/sbin:/bin:/sbin",
      },
      hint: "is the Debian mirror of this host's apt configuration reachable? CLEANROOM_DEB_MIRROR names another one",
    });
    return stdout;
  }

  /** Brings the package lists up to date. Needs the network. */
  async update(logger: Logger): Promise<void> {
    logger.info(`reading the package lists of ${this.#suites.join(", ")}`);
    await this.#apt("apt-get", ["update", "--error-on=any", "-q"], "apt-get update");
  }

  /** Reads the package lists where that has never been done. */
  async ensureLists(logger: Logger): Promise<void> {
    const names = await readdir(path.join(this.#folder, "lists"));
    if (!names.some((name) => /_Sources(\.\w+)?$/.test(name))) await this.update(logger);
  }

  /**
   * The closure of the named packages under Depends and Pre-Depends, sorted by name; without
   * the packages that a glob of `exclude` names and without what only they need.
   *
   * @throws {CleanroomError} `base-unsolvable` with apt's explanation
   */
  async closure(
    names: readonly string[],
    exclude: readonly string[] = [],
  ): Promise<LockedPackage[]> {
    await this.#pretendInstalled(exclude);
    let output: string;
    try {
      output = await this.#apt(
        "apt-get",
        ["install", "--print-uris", "--yes", "-qq", "--no-install-recommends", ...names],
        "apt-get install",
      );
    } catch (error) {
      throw new CleanroomError("base-unsolvable", "apt cannot resolve the base's packages", {
        cause: error,
        hint: "correct the names in base.yaml",
      });
    }
    const wanted = output
      .split("\n")
      .filter((line) => line.startsWith("'"))
      .map((line) => this.#lockedFromUri(line));
    const suiteOf = await this.#suitesOf(wanted.map(({ name }) => name));
    return wanted
      .map((entry) => ({ ...entry, suite: suiteOf(entry.name, entry.version) }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Apt follows no dependency of what it believes to be installed. */
  async #pretendInstalled(globs: readonly string[]): Promise<void> {
    const matches = nameMatcher(globs);
    const names =
      globs.length === 0
        ? []
        : (await this.#apt("apt-cache", ["pkgnames"], "apt-cache pkgnames"))
            .split("\n")
            .filter((name) => name !== "" && matches(name));
    const stanzas =
      names.length === 0
        ? []
        : (
            await this.#apt("apt-cache", ["show", "--no-all-versions", ...names], "apt-cache show")
          ).split(/\n\n+/);
    const kept = /^(?:Package|Version|Architecture|Multi-Arch|Provides|Source):/;
    await writeFile(
      path.join(this.#folder, "status"),
      stanzas
        .filter((stanza) => stanza.trim() !== "")
        .map((stanza) =>
          [...stanza.split("\n").filter((line) => kept.test(line)), "Status: install ok installed"]
            .map((line) => `${line}\n`)
            .join(""),
        )
        .join("\n"),
    );
  }

  /** `'URI' name_version_arch.deb SIZE SHA256:DIGEST` */
  #lockedFromUri(line: string): LockedPackage {
    const match = /^'([^']+)' ([^_]+)_([^_]+)_[^_]+\.deb (\d+) SHA256:([0-9a-f]{64})$/.exec(
      line.trim(),
    );
    const [, uri, name, version, size, sha256] = match ?? [];
    if (
      uri === undefined ||
      name === undefined ||
      version === undefined ||
      sha256 === undefined ||
      !uri.startsWith(`${this.#mirror}/`)
    ) {
      throw new CleanroomError("apt-output", `apt-get printed what is not understood: ${line}`);
    }
    return {
      name,
      version: decodeURIComponent(version),
      suite: "",
      path: decodeURIComponent(uri.slice(this.#mirror.length + 1)),
      sha256,
      size: Number(size),
    };
  }

  async #suitesOf(names: readonly string[]): Promise<(name: string, version: string) => string> {
    const first = this.#suites[0] ?? "";
    if (this.#suites.length === 1) return () => first;
    const table = await this.#apt("apt-cache", ["madison", ...names], "apt-cache madison");
    const suites = new Map(
      table.split("\n").map((line) => {
        const [name, version, where] = line.split("|").map((cell) => cell.trim());
        return [`${name} ${version}`, /\s(\S+)\/main\s/.exec(`${where} `)?.[1] ?? first];
      }),
    );
    return (name, version) => suites.get(`${name} ${version}`) ?? first;
  }

  /**
   * Fetches files of the mirror, each checked by apt against its digest.
   *
   * @throws {CleanroomError} `mirror-lost-file` when one is no longer there
   */
  async fetch(
    files: readonly {
      /** Below the mirror's root, or a whole address. */
      readonly uri: string;
      readonly sha256: string;
      readonly target: string;
    }[],
  ): Promise<void> {
    try {
      await this.#apt(
        "/usr/lib/apt/apt-helper",
        [
          "download-file",
          ...files.flatMap(({ uri, sha256, target }) => [
            new URL(uri, `${this.#mirror}/`).href,
            target,
            `SHA256:${sha256}`,
          ]),
        ],
        "fetch base packages",
      );
    } catch (error) {
      throw new CleanroomError("mirror-lost-file", "the mirror did not give every locked package", {
        cause: error,
        hint: "if it no longer has that version, `./cleanroom base lock` locks today's",
      });
    }
  }

  /**
   * What the archive lists for a source package: the newest revision of an upstream version, or
   * the newest version of all.
   *
   * @throws {CleanroomError} `command-failed` when there is no such source package
   */
  async sourceFiles(
    source: string,
    upstreamVersion: string | undefined,
  ): Promise<{ uri: string; file: string; sha256: string; size: number }[]> {
    const known = await this.#apt(
      "apt-cache",
      ["showsrc", "--only-source", source],
      "apt-cache showsrc",
    );
    const versions = [...known.matchAll(/^Version: (\S+)$/gm)].map((match) => match[1] ?? "");
    const version = versions.find(
      (candidate) =>
        upstreamVersion !== undefined &&
        candidate
          .replace(/^\d+:/, "")
          .replace(/-[^-]+$/, "")
          .replace(/\+(?:dfsg|ds)\d*$/, "") === upstreamVersion,
    );
    if (upstreamVersion !== undefined && version === undefined) return [];
    const output = await this.#apt(
      "apt-get",
      ["source", "--print-uris", "-qq", version === undefined ? source : `${source}=${version}`],
      "apt-get source",
    );
    return output.split("\n").flatMap((line) => {
      const [, uri, file, size, sha256] =
        /^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})/.exec(line) ?? [];
      if (uri === undefined || file === undefined || sha256 === undefined) return [];
      return [{ uri, file, sha256, size: Number(size) }];
    });
  }
}

/** `only` suites are pinned so low that nothing else of theirs is ever chosen. */
function preferences(base: BaseFile): string {
  return base.suites
    .flatMap(({ name, only }, index) =>
      only === undefined
        ? [`Package: *\nPin: release n=${name}\nPin-Priority: ${900 - index * 10}\n`]
        : [
            `Package: ${only.join(" ")}\nPin: release n=${name}\nPin-Priority: 950\n`,
            `Package: *\nPin: release n=${name}\nPin-Priority: -1\n`,
          ],
    )
    .join("\n");
}

function proxies(): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * The Debian mirror that this host uses: CLEANROOM_DEB_MIRROR, or the address of the first suite
 * in apt's own configuration that is a release rather than its security or update suite.
 */
async function debianMirror(): Promise<string> {
  const named = process.env["CLEANROOM_DEB_MIRROR"];
  if (named !== undefined && named !== "") return named.replace(/\/+$/, "");
  const { stdout } = await run("apt-get", [
    "indextargets",
    "--format",
    "$(RELEASE) $(COMPONENT) $(REPO_URI)",
    "Identifier: Packages",
  ]);
  for (const line of stdout.split("\n")) {
    const [release, component, uri] = line.split(" ");
    if (release === undefined || uri === undefined || component !== "main") continue;
    if (!/[-/]/.test(release)) return uri.replace(/\/+$/, "");
  }
  throw new CleanroomError("no-mirror", "apt on this host names no Debian mirror", {
    exitCode: 2,
    hint: "set CLEANROOM_DEB_MIRROR to a mirror's address",
  });
}

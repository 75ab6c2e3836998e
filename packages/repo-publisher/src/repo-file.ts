/** The name of the public key's file in a generation. */
export const publicKeyFileName = "RPM-GPG-KEY-cleanroom";

/** The name of the ready-made client configuration in a generation and at a server's root. */
export const repoFileName = "cleanroom.repo";

/**
 * A `.repo` file (dnf.conf(5), section "Repo options") that switches on the signature checks.
 *
 * @param baseUrl URL of the folder that holds `repodata/`, without a slash at its end
 * @param signedPackages without it the metadata's signature alone vouches for the packages, through
 *   their digests
 */
export function repoFileText(repository: string, baseUrl: string, signedPackages = true): string {
  return [
    `[${repository}]`,
    `name=${repository}`,
    `baseurl=${baseUrl}/`,
    "enabled=1",
    "type=rpm-md",
    `gpgcheck=${signedPackages ? 1 : 0}`,
    "repo_gpgcheck=1",
    `gpgkey=${baseUrl}/${publicKeyFileName}`,
    // Asked again at each use: the metadata changes as a whole whenever something is published.
    "metadata_expire=60",
    "",
  ].join("\n");
}

/** The same `.repo` file for clients that reach the repository under another URL. */
export function movedRepoFileText(text: string, baseUrl: string): string {
  return text
    .replace(/^baseurl=.*$/m, `baseurl=${baseUrl}/`)
    .replace(/^gpgkey=.*$/m, `gpgkey=${baseUrl}/${publicKeyFileName}`);
}

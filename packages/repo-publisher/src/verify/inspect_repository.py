"""Loads a repository as its clients do, and says what is in it and what cannot be installed.

Reads one JSON document on standard input: `repository`, a folder; `key`, a file with the public
keys that its metadata must be signed by, or null; `bases`, folders of the repositories that it is
used together with; `closure`, whether to try each package; `arch`. Prints one on standard output:
`packages`, each with `nevra, name, sourceRpm, location, sha256, sizeBytes, requires, provides`; and
`broken`, each with `nevra` and `reasons`.
"""

import json
import logging
import os
import sys

import dnf
import dnf.conf
import dnf.exceptions
import hawkey


def open_sack(request):
    # A configuration made here, because dnf's default one looks for a system's rpm database.
    conf = dnf.conf.Conf()
    base = dnf.Base(conf)
    conf.installroot = "/tmp/installroot"
    conf.cachedir = "/tmp/cache"
    conf.persistdir = "/tmp/persist"
    conf.logdir = "/tmp/log"
    conf.zchunk = False
    os.makedirs(conf.logdir)
    for name in ("arch", "basearch"):
        conf.substitutions[name] = request["arch"]
    conf.substitutions["releasever"] = "1"
    options = {"baseurl": ["file://" + request["repository"]], "skip_if_unavailable": False}
    if request["key"] is not None:
        options.update(repo_gpgcheck=True, gpgkey=["file://" + request["key"]])
    base.repos.add_new_repo("repository", conf, **options)
    for index, folder in enumerate(request["bases"]):
        base.repos.add_new_repo(
            "base%d" % index, conf, baseurl=["file://" + folder], skip_if_unavailable=False
        )
    base.fill_sack(load_system_repo=False)
    return base


def describe(package):
    algorithm, digest = package.chksum or (0, b"")
    return {
        "nevra": str(package),
        "name": package.name,
        "sourceRpm": package.sourcerpm or None,
        "location": package.location,
        "sha256": digest.hex() if algorithm == hawkey.CHKSUM_SHA256 else None,
        "sizeBytes": package.downloadsize,
        "requires": [str(one) for one in package.requires],
        "provides": [str(one) for one in package.provides],
    }


def reasons_against(sack, package):
    goal = hawkey.Goal(sack)
    goal.install(package)
    if goal.run(ignore_weak_deps=True):
        return None
    return [reason for problem in goal.problem_rules() for reason in problem]


def main():
    request = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    try:
        base = open_sack(request)
    except dnf.exceptions.Error as error:
        json.dump({"error": str(error)}, sys.stdout)
        return
    own = sorted(base.sack.query().filter(reponame="repository"))
    broken = []
    for package in own if request["closure"] else ():
        # A source package's requirements are for a build root.
        reasons = None if package.arch in ("src", "nosrc") else reasons_against(base.sack, package)
        if reasons is not None:
            broken.append({"nevra": str(package), "reasons": reasons})
    json.dump({"packages": [describe(package) for package in own], "broken": broken}, sys.stdout)


main()

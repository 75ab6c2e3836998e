"""Resolves a request against repositories with dnf's own API.

Reads one JSON document on standard input and prints one on standard output. The request itself
is a package of a repository made here, which requires everything that is asked for: so versions,
rich dependencies and conflicts mean what they mean to rpm, and libsolv's explanation of an
unsolvable request names who needs what.
"""

import json
import logging
import os
import re
import sys
from xml.sax.saxutils import quoteattr

import dnf
import dnf.conf
import dnf.exceptions

FLAGS = {"<": "LT", "<=": "LE", "=": "EQ", ">=": "GE", ">": "GT"}


def entry(capability):
    """One rpm:entry element for a capability such as `name >= 1:2-3` or `(a or b)`."""
    match = re.fullmatch(r"(\S+)\s*(<=|>=|=|<|>)\s*(?:(\d+):)?([^\s-]+)(?:-(\S+))?", capability)
    if capability.startswith("(") or match is None:
        return "<rpm:entry name=%s/>" % quoteattr(capability)
    name, operator, epoch, version, release = match.groups()
    attributes = [("name", name), ("flags", FLAGS[operator]), ("epoch", epoch or "0"), ("ver", version)]
    if release is not None:
        attributes.append(("rel", release))
    return "<rpm:entry %s/>" % " ".join("%s=%s" % (key, quoteattr(value)) for key, value in attributes)


def write_request(folder, name, requires, conflicts):
    os.makedirs(folder + "/repodata")
    os.makedirs("/tmp/log", exist_ok=True)
    with open(folder + "/repodata/primary.xml", "w", encoding="utf-8") as primary:
        primary.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<metadata xmlns="http://linux.duke.edu/metadata/common"'
            ' xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">'
            '<package type="rpm"><name>%s</name><arch>noarch</arch>'
            '<version epoch="0" ver="0" rel="0"/>'
            '<checksum type="sha256" pkgid="YES">%s</checksum><summary/><description/><packager/><url/>'
            '<time file="0" build="0"/><size package="0" installed="0" archive="0"/>'
            '<location href="request.rpm"/>'
            "<format><rpm:license/><rpm:vendor/><rpm:group/><rpm:buildhost/><rpm:sourcerpm/>"
            '<rpm:header-range start="0" end="0"/>'
            "<rpm:requires>%s</rpm:requires><rpm:conflicts>%s</rpm:conflicts></format></package></metadata>"
            % (name, "0" * 64, "".join(map(entry, requires)), "".join(map(entry, conflicts)))
        )
    with open(folder + "/repodata/repomd.xml", "w", encoding="utf-8") as repomd:
        repomd.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>0</revision>'
            '<data type="primary"><location href="repodata/primary.xml"/></data></repomd>'
        )


def main():
    request = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    write_request("/tmp/request", request["name"], request["requires"], request["conflicts"])
    # A configuration made here, because dnf's default one looks for a system's rpm database.
    conf = dnf.conf.Conf()
    base = dnf.Base(conf)
    conf.installroot = "/tmp/installroot"
    conf.cachedir = "/tmp/cache"
    conf.persistdir = "/tmp/persist"
    conf.logdir = "/tmp/log"
    conf.install_weak_deps = False
    conf.zchunk = False
    conf.substitutions["arch"] = request["arch"]
    conf.substitutions["basearch"] = request["arch"]
    conf.substitutions["releasever"] = "1"
    base.repos.add_new_repo("request", conf, baseurl=["file:///tmp/request"], priority=1)
    for repository in request["repositories"]:
        base.repos.add_new_repo(
            repository["id"],
            conf,
            baseurl=[repository["url"]],
            priority=repository["priority"],
            # A base is complete and pinned: nothing in it is hidden by a module.
            module_hotfixes=True,
        )
    try:
        base.fill_sack(load_system_repo=False)
        base.install(request["name"])
        base.resolve()
    except dnf.exceptions.DepsolveError as error:
        json.dump({"problem": str(error)}, sys.stdout)
        return
    except dnf.exceptions.RepoError as error:
        json.dump({"repositoryProblem": str(error)}, sys.stdout)
        return
    packages = []
    for package in base.transaction.install_set:
        if package.reponame == "request":
            continue
        kind, digest = package.returnIdSum()
        packages.append(
            {
                "name": package.name,
                "epoch": package.epoch,
                "version": package.version,
                "release": package.release,
                "arch": package.arch,
                "sha256": digest if kind == "sha256" else "",
                "sizeBytes": package.downloadsize,
                "repository": package.reponame,
                "location": package.location,
                "sourceRpm": package.sourcerpm or "",
            }
        )
    json.dump({"packages": packages}, sys.stdout)


main()

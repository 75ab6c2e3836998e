"""Resolves a request against repositories with libsolv, as dnf has it (hawkey).

Reads one JSON document on standard input and prints one on standard output. The request itself
is a package of a repository made here, which requires everything that is asked for: so versions,
rich dependencies and conflicts mean what they mean to rpm, and libsolv's explanation of an
unsolvable request names who needs what.

dnf itself would load the same library, and four times as much besides.
"""

import hashlib
import json
import os
import re
import sys
from xml.parsers import expat

import hawkey

FLAGS = {"<": "LT", "<=": "LE", "=": "EQ", ">=": "GE", ">": "GT"}


class Unusable(Exception):
    """A repository's metadata cannot be read, or is not what repomd.xml names."""


def escape(text):
    """Text for an attribute of XML. html's own escape would load a table of all entities."""
    for character, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(character, "&%s;" % name)
    return text


def entry(capability):
    """One rpm:entry element for a capability such as `name >= 1:2-3` or `(a or b)`."""
    match = re.fullmatch(r"(\S+)\s*(<=|>=|=|<|>)\s*(?:(\d+):)?([^\s-]+)(?:-(\S+))?", capability)
    if capability.startswith("(") or match is None:
        return '<rpm:entry name="%s"/>' % escape(capability)
    name, operator, epoch, version, release = match.groups()
    attributes = [("name", name), ("flags", FLAGS[operator]), ("epoch", epoch or "0"), ("ver", version)]
    if release is not None:
        attributes.append(("rel", release))
    return "<rpm:entry %s/>" % " ".join('%s="%s"' % (key, escape(value)) for key, value in attributes)


def write_request(folder, name, requires, conflicts):
    """A repository of the request alone: the paths of its repomd.xml and primary.xml."""
    os.makedirs(folder)
    primary_file, repomd_file = folder + "/primary.xml", folder + "/repomd.xml"
    with open(primary_file, "w", encoding="utf-8") as primary:
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
    with open(repomd_file, "w", encoding="utf-8") as repomd:
        repomd.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>0</revision></repomd>'
        )
    return repomd_file, primary_file


def primary_of(repomd):
    """What repomd.xml says of the primary metadata: its path and the digest of the file."""
    found = {}
    inside = []

    def start(name, attributes):
        inside.append(attributes.get("type") if name == "data" else name)
        if inside[:2] == ["repomd", "primary"]:
            if name == "location":
                found["href"] = attributes.get("href", "")
            elif name == "checksum":
                found.update(type=attributes.get("type", ""), digest="")

    def text(data):
        if inside == ["repomd", "primary", "checksum"]:
            found["digest"] += data

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: inside.pop()
    parser.CharacterDataHandler = text
    parser.Parse(repomd, True)
    return found


def read(url, path):
    if url.startswith("/"):
        with open(url + "/" + path, "rb") as file:
            return file.read()
    from urllib.request import urlopen

    with urlopen(url.rstrip("/") + "/" + path, timeout=60) as answer:
        return answer.read()


def read_repository(folder, url):
    """The paths of a repository's repomd.xml and primary metadata, which is looked at first."""
    os.makedirs(folder)
    try:
        repomd = read(url, "repodata/repomd.xml")
        known = primary_of(repomd)
        primary = read(url, known["href"])
        if hashlib.new(known["type"], primary).hexdigest() != known["digest"].strip():
            raise Unusable("%s is not the file that repomd.xml names" % known["href"])
    except (OSError, KeyError, ValueError, expat.ExpatError) as error:
        raise Unusable("its metadata cannot be read: %s" % error) from error
    files = [folder + "/repomd.xml", folder + "/" + os.path.basename(known["href"])]
    for file, content in zip(files, [repomd, primary]):
        with open(file, "wb") as stream:
            stream.write(content)
    return files


def load(sack, name, priority, files):
    repository = hawkey.Repo(name)
    repository.repomd_fn, repository.primary_fn = files
    repository.priority = priority
    try:
        sack.load_repo(repository)
    except hawkey.Exception as error:
        raise Unusable(str(error)) from error


def problems(goal):
    """libsolv's explanation: a block for each problem, and in it a line for each rule."""
    found = ["\n  - ".join(rules) for rules in goal.problem_rules()]
    if len(found) == 1:
        return "Problem: " + found[0]
    return "\n".join("Problem %d: %s" % (index + 1, text) for index, text in enumerate(found))


def main():
    request = json.load(sys.stdin)
    sack = hawkey.Sack(
        arch=request["arch"],
        cachedir="/tmp/cache",
        rootdir="/tmp/installroot",
        logfile="/tmp/hawkey.log",
        make_cache_dir=True,
    )
    files = write_request("/tmp/request", request["name"], request["requires"], request["conflicts"])
    load(sack, "request", 1, files)
    for index, repository in enumerate(request["repositories"]):
        try:
            files = read_repository("/tmp/repository-%d" % index, repository["url"])
            load(sack, repository["id"], repository["priority"], files)
        except Unusable as error:
            json.dump({"repositoryProblem": "repository %s: %s" % (repository["id"], error)}, sys.stdout)
            return
    goal = hawkey.Goal(sack)
    goal.install(hawkey.Query(sack).filter(reponame="request")[0])
    if not goal.run(ignore_weak_deps=True):
        json.dump({"problem": problems(goal)}, sys.stdout)
        return
    packages = []
    for package in goal.list_installs():
        if package.reponame == "request":
            continue
        kind, digest = package.chksum
        packages.append(
            {
                "name": package.name,
                "epoch": package.epoch,
                "version": package.version,
                "release": package.release,
                "arch": package.arch,
                "sha256": digest.hex() if kind == hawkey.CHKSUM_SHA256 else "",
                "sizeBytes": package.downloadsize,
                "repository": package.reponame,
                "location": package.location,
                "sourceRpm": package.sourcerpm or "",
            }
        )
    json.dump({"packages": packages}, sys.stdout)


main()

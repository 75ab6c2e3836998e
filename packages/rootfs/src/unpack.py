"""Unpacks RPMs, with rpm itself, and runs none of their scriptlets.

Each target gets `files`, and `states`: one byte for each file, as in rpm's database.

Reads one JSON document from standard input: `docs`, `languages` and `packages`, a list of
`file` and `target`.
"""

import json
import os
import shutil
import subprocess
import sys

import rpm

FLAGS = (
    rpm.RPMTRANS_FLAG_NODB
    | rpm.RPMTRANS_FLAG_NOSCRIPTS
    | rpm.RPMTRANS_FLAG_NOTRIGGERS
    | rpm.RPMTRANS_FLAG_NOPLUGINS
    | rpm.RPMTRANS_FLAG_NOCAPS
)

DATABASE = "/.database"
# Where rpm has looked at the space, it flushes the whole file system after each transaction.
NO_SPACE_CHECK = rpm.RPMPROB_FILTER_DISKSPACE | rpm.RPMPROB_FILTER_DISKNODES


def unpack(file: str, target: str, flags: int) -> None:
    files = f"{target}/files"
    transaction = rpm.TransactionSet(files)
    transaction.setVSFlags(rpm.RPMVSF_MASK_NOSIGNATURES)
    transaction.setFlags(flags)
    # The store has verified the file's bytes.
    transaction.setVfyLevel(0)
    transaction.setProbFilter(NO_SPACE_CHECK)
    descriptor = os.open(file, os.O_RDONLY)
    header = transaction.hdrFromFdno(descriptor)
    os.lseek(descriptor, 0, os.SEEK_SET)
    transaction.addInstall(header, file, "i")

    def callback(reason, _amount, _total, _key, _data):
        return descriptor if reason == rpm.RPMCALLBACK_INST_OPEN_FILE else None

    problems = transaction.run(callback, "")
    if problems is not None:
        raise SystemExit(f"{header.nevra}: {problems or 'it could not be unpacked'}")
    os.close(descriptor)
    # rpm makes a folder for a database even where it keeps none.
    shutil.rmtree(files + DATABASE, ignore_errors=True)
    with open(f"{target}/states", "wb") as stream:
        stream.write(bytes(state(files, entry) for entry in rpm.files(header)))


def state(files: str, entry: rpm.file) -> int:
    """What rpm's database says of a file (RPMFILE_STATE_*) that was installed or left out."""
    is_there = entry.fflags & rpm.RPMFILE_GHOST or os.path.lexists(files + entry.name)
    return rpm.RPMFILE_STATE_NORMAL if is_there else rpm.RPMFILE_STATE_NOTINSTALLED


def main() -> None:
    request = json.load(sys.stdin)
    os.umask(0o022)
    if request["languages"] is not None:
        rpm.addMacro("_install_langs", ":".join(request["languages"]))
    rpm.addMacro("_dbpath", DATABASE)
    # None of the kinds that take a file and a flush for each package.
    rpm.addMacro("_db_backend", "dummy")
    flags = FLAGS | (0 if request["docs"] else rpm.RPMTRANS_FLAG_NODOCS)
    for package in request["packages"]:
        unpack(package["file"], package["target"], flags)
    # Once for all of them: what is renamed into the store must be on the disk.
    subprocess.run(["sync", "--file-system", "/layers"], check=True)


main()

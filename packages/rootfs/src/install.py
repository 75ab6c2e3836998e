"""Installs RPMs whose files are in place already: rpm does all else, as in any installation.

Dependencies and file conflicts are checked, packages ordered, scriptlets and file triggers run and
the database written; payloads alone are passed over. rpm knows that as --justdb, which would leave
out scriptlets too; so the flag is raised once the transaction has been set up. Of files that were
left out (documentation, languages) the database is told afterwards: rpm sees that as it unpacks.

Reads one JSON document from standard input: `docs`, `languages`, `database` and `packages`, a list of
`file` and `states` (base64, one byte for each file of the package). Prints one:
`opaque`, the folders below the root that were replaced rather than added to.

The root's database is in memory, for rpm waits for the disk with each package; in the end it goes to
/database as one file.
"""

import base64
import json
import os
import sqlite3
import struct
import sys

import rpm

FLAGS = rpm.RPMTRANS_FLAG_NOPLUGINS | rpm.RPMTRANS_FLAG_NOCAPS
TARGET = "/target"
CHANGES = "/changes"
FINISHED = "/database/rpmdb.sqlite"


def install(packages: list, flags: int) -> dict:
    """@returns the file states of each package, by its number in the database"""
    transaction = rpm.TransactionSet(TARGET)
    transaction.setVSFlags(rpm.RPMVSF_MASK_NOSIGNATURES)
    # The store has verified the files' bytes.
    transaction.setVfyLevel(0)
    # Where rpm has looked at the space, it flushes the whole file system in the end.
    transaction.setProbFilter(rpm.RPMPROB_FILTER_DISKSPACE | rpm.RPMPROB_FILTER_DISKNODES)
    transaction.setFlags(flags)
    opened = {}
    states = {}
    for package in packages:
        file = package["file"]
        with open(file, "rb") as stream:
            header = transaction.hdrFromFdno(stream.fileno())
        states[header.nevra] = base64.b64decode(package["states"])
        transaction.addInstall(header, file, "i")
    missing = transaction.check()
    if missing or transaction.problems():
        raise SystemExit("\n".join(str(problem) for problem in transaction.problems()))
    transaction.order()
    failed = []

    def callback(reason, amount, total, key, _data):
        if reason == rpm.RPMCALLBACK_TRANS_START:
            transaction.setFlags(flags | rpm.RPMTRANS_FLAG_JUSTDB)
        elif reason == rpm.RPMCALLBACK_INST_OPEN_FILE:
            opened[key] = open(key, "rb")
            return opened[key].fileno()
        elif reason == rpm.RPMCALLBACK_INST_CLOSE_FILE:
            opened.pop(key).close()
        elif reason == rpm.RPMCALLBACK_SCRIPT_ERROR and total != rpm.RPMRC_OK:
            failed.append(key)
        return None

    problems = transaction.run(callback, "")
    if problems is not None:
        raise SystemExit("\n".join(str(problem) for problem in problems) or f"failed: {failed}")
    numbers = {match.instance(): states[header.nevra] for match, header in installed(transaction)}
    transaction.closeDB()
    return numbers


def installed(transaction):
    match = transaction.dbMatch()
    for header in match:
        yield match, header


def finish_database(database: str, states: dict) -> None:
    """Writes the file states of packages, by their number, into their headers, and the whole as one
    file that is the same for the same packages: without a journal, which keeps a database from being
    opened where nothing can be written, and without the free pages that are left over from how it was
    written.

    A header is two big-endian counts (entries, bytes of data), the entries (tag, type, offset and
    count) and the data (rpm's manual, "RPM header format").
    """
    connection = sqlite3.connect(f"{TARGET}{database}/rpmdb.sqlite")
    for number, wanted in states.items():
        if not any(wanted):
            continue
        (blob,) = connection.execute("SELECT blob FROM Packages WHERE hnum = ?", (number,)).fetchone()
        entries, _size = struct.unpack_from(">II", blob)
        for index in range(entries):
            tag, _type, offset, count = struct.unpack_from(">IIII", blob, 8 + 16 * index)
            if tag == rpm.RPMTAG_FILESTATES and count == len(wanted):
                start = 8 + 16 * entries + offset
                blob = blob[:start] + wanted + blob[start + count :]
        connection.execute("UPDATE Packages SET blob = ? WHERE hnum = ?", (blob, number))
    connection.commit()
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("VACUUM INTO ?", (FINISHED,))
    connection.close()


def opaque_folders() -> list:
    found = []
    for folder, names, _files in os.walk(CHANGES):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if os.getxattr(path, "user.overlay.opaque", follow_symlinks=False) == b"y":
                    found.append(os.path.relpath(path, CHANGES))
            except OSError:
                pass
    return found


def main() -> None:
    request = json.load(sys.stdin)
    # What scriptlets print is for people.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.umask(0o022)
    if request["languages"] is not None:
        rpm.addMacro("_install_langs", ":".join(request["languages"]))
    rpm.addMacro("_dbpath", request["database"])
    flags = FLAGS | (0 if request["docs"] else rpm.RPMTRANS_FLAG_NODOCS)
    finish_database(request["database"], install(request["packages"], flags))
    json.dump({"opaque": opaque_folders()}, answer)


main()

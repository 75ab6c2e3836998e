"""Installs RPMs whose files are in place already: rpm does all else, as in any installation.

Dependencies and file conflicts are checked, packages ordered, scriptlets and file triggers run and
the database written; payloads alone are passed over. rpm knows that as --justdb, which would leave
out scriptlets too; so the flag is raised once the transaction has been set up. Of files that were
left out (documentation, languages) the database is told afterwards: rpm sees that as it unpacks.

Reads a line with one JSON document from standard input:
  docs, languages  what of the packages is installed
  database         where rpm's database is in the root
  packages         their files
  scriptlets       whether scriptlets and triggers run
  ordered          whether the finished database is to be the same whatever the order in which packages
                   came into it
  before           NEVRAs of the packages of an ordered database that there is, /database/before.sqlite;
                   null where there is none
  removed          NEVRAs of those that leave it
A second line, which is waited for once rpm is done, is a list: for each of the packages the states of its
files (base64, one byte for each). Prints one document: `opaque`, the folders below the root that were replaced rather than added to.

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
NO_SCRIPTLETS = rpm.RPMTRANS_FLAG_NOSCRIPTS | rpm.RPMTRANS_FLAG_NOTRIGGERS
TARGET = "/target"
CHANGES = "/changes"
BEFORE = "/database/before.sqlite"
FINISHED = "/database/rpmdb.sqlite"


def install(files: list, flags: int) -> list:
    """@returns the NEVRAs of the packages"""
    transaction = rpm.TransactionSet(TARGET)
    transaction.setVSFlags(rpm.RPMVSF_MASK_NOSIGNATURES)
    # The store has verified the files' bytes.
    transaction.setVfyLevel(0)
    # Where rpm has looked at the space, it flushes the whole file system in the end.
    transaction.setProbFilter(rpm.RPMPROB_FILTER_DISKSPACE | rpm.RPMPROB_FILTER_DISKNODES)
    transaction.setFlags(flags)
    opened = {}
    names = []
    for file in files:
        with open(file, "rb") as stream:
            header = transaction.hdrFromFdno(stream.fileno())
        names.append(header.nevra)
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
    transaction.closeDB()
    return names


def numbers_in_order(packages: list) -> dict:
    """The number of each package, by its NEVRA, in a database that was written in order."""
    return {nevra: index + 1 for index, nevra in enumerate(sorted(packages))}


def installed_numbers(folder: str, known: dict) -> dict:
    """The number in the database of each package that is not known, by its NEVRA."""
    last = max(known.values(), default=0)
    connection = open_database(folder)
    found = [row[0] for row in connection.execute("SELECT hnum FROM Packages WHERE hnum > ?", (last,))]
    connection.close()
    transaction = rpm.TransactionSet(TARGET)
    matches = [(number, transaction.dbMatch(rpm.RPMDBI_PACKAGES, number)) for number in found]
    numbers = {header.nevra: number for number, match in matches for header in match}
    transaction.closeDB()
    return numbers


def open_database(folder: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{TARGET}{folder}/rpmdb.sqlite", isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def tables(connection: sqlite3.Connection, schema: str) -> list:
    """Kind, name and statement of each table and index that is rpm's."""
    return connection.execute(
        f"SELECT type, name, sql FROM {schema}.sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    ).fetchall()


def start_database(folder: str, numbers: list) -> None:
    """The root's database is another one, without the packages of some numbers."""
    with open(BEFORE, "rb") as source, open(f"{TARGET}{folder}/rpmdb.sqlite", "wb") as target:
        target.write(source.read())
    connection = open_database(folder)
    for kind, name, _sql in tables(connection, "main") if numbers else []:
        if kind == "table":
            connection.executemany(f"DELETE FROM '{name}' WHERE hnum = ?", [(one,) for one in numbers])
    connection.close()


def replaced(blob: bytes, tag: int, value: bytes, count: int) -> bytes:
    """A header of the database with another value of the same size for a tag that has `count` of them.

    A header is two big-endian counts (entries, bytes of data), the entries (tag, type, offset and
    count) and the data (rpm's manual, "RPM header format").
    """
    entries, _size = struct.unpack_from(">II", blob)
    data = 8 + 16 * entries
    for found, _type, offset, size in struct.iter_unpack(">IIII", blob[8:data]):
        if found == tag and size == count:
            start = data + offset
            return blob[:start] + value + blob[start + len(value) :]
    return blob


def set_states(connection: sqlite3.Connection, states: dict, forgets_order: bool) -> None:
    """Writes the file states of packages, by their number, into their headers; and one time for all of
    them, where rpm has counted on from SOURCE_DATE_EPOCH with each package of a transaction."""
    for number, wanted in states.items():
        if not any(wanted) and not forgets_order:
            continue
        (blob,) = connection.execute("SELECT blob FROM Packages WHERE hnum = ?", (number,)).fetchone()
        blob = replaced(blob, rpm.RPMTAG_FILESTATES, wanted, len(wanted))
        if forgets_order:
            blob = replaced(blob, rpm.RPMTAG_INSTALLTIME, bytes(4), 1)
        connection.execute("UPDATE Packages SET blob = ? WHERE hnum = ?", (blob, number))


def write_as_it_is(connection: sqlite3.Connection) -> None:
    """One file that is the same for the same installation: without a journal, which keeps a database
    from being opened where nothing can be written, and without the free pages that are left over from
    how it was written."""
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("VACUUM INTO ?", (FINISHED,))


def write_ordered(folder: str, numbers: dict) -> None:
    """One file that is the same for the same packages: numbered by their names, all rows in the order
    of these numbers, and without what SQLite noticed about queries."""
    connection = sqlite3.connect(FINISHED, isolation_level=None)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("ATTACH ? AS before", (f"{TARGET}{folder}/rpmdb.sqlite",))
    connection.execute("CREATE TEMP TABLE renumbered (was INTEGER PRIMARY KEY, number INTEGER)")
    connection.executemany(
        "INSERT INTO renumbered VALUES (?, ?)",
        [(numbers[nevra], index + 1) for index, nevra in enumerate(sorted(numbers))],
    )
    connection.execute("BEGIN")
    known = tables(connection, "before")
    for kind, name, sql in known:
        if kind != "table":
            continue
        connection.execute(sql)
        columns = "number, blob" if name == "Packages" else "key, number, idx"
        order = "number" if name == "Packages" else "number, idx, key"
        connection.execute(
            f"INSERT INTO main.'{name}' SELECT {columns} FROM before.'{name}'"
            f" JOIN renumbered ON was = hnum ORDER BY {order}"
        )
    for kind, _name, sql in known:
        if kind == "index":
            connection.execute(sql)
    connection.execute("COMMIT")
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
    request = json.loads(sys.stdin.readline())
    # What scriptlets print is for people.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.umask(0o022)
    if request["languages"] is not None:
        rpm.addMacro("_install_langs", ":".join(request["languages"]))
    folder = request["database"]
    rpm.addMacro("_dbpath", folder)
    known = {}
    if request["before"] is not None:
        known = numbers_in_order(request["before"])
        start_database(folder, [known[nevra] for nevra in request["removed"]])
    flags = FLAGS | (0 if request["docs"] else rpm.RPMTRANS_FLAG_NODOCS)
    names = install(request["packages"], flags if request["scriptlets"] else flags | NO_SCRIPTLETS)
    numbers = installed_numbers(folder, known)
    connection = open_database(folder)
    states = map(base64.b64decode, json.loads(sys.stdin.readline()))
    by_number = {numbers[nevra]: wanted for nevra, wanted in zip(names, states, strict=True)}
    set_states(connection, by_number, request["ordered"])
    if request["ordered"]:
        connection.close()
        left = {nevra: number for nevra, number in known.items() if nevra not in request["removed"]}
        write_ordered(folder, {**left, **numbers})
    else:
        write_as_it_is(connection)
    json.dump({"opaque": opaque_folders()}, answer)


main()

"""Says which files below /watched are opened, by whatever process, until standard input ends.

Every folder is watched (inotify(7)), not every file: files are hard links that other roots have too,
folders are this root's alone. Prints a line `ready`, then `opened` and the paths below the folder,
sorted, each ended by a NUL; or `lost` when the kernel could not keep up.
"""

import ctypes
import errno
import os
import select
import sys

TOP = b"/watched"
# From <sys/inotify.h>.
IN_OPEN = 0x20
IN_Q_OVERFLOW = 0x4000
IN_ONLYDIR = 0x01000000
IN_ISDIR = 0x40000000
HEADER_BYTES = 16
# The queue holds 16384 events; to look less often takes less from the build.
PAUSE_MILLISECONDS = 20


def folders_below(top: bytes):
    """A folder and all below it; those that are closed to us hold nothing that we could say."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        yield folder
        try:
            with os.scandir(folder) as entries:
                waiting.extend(one.path for one in entries if one.is_dir(follow_symlinks=False))
        except PermissionError:
            pass


def watch(libc) -> tuple[int, dict[int, bytes]]:
    """@returns the queue of events, and the folder of each watch"""
    queue = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    folders = {}
    for folder in folders_below(TOP):
        number = libc.inotify_add_watch(queue, folder, IN_OPEN | IN_ONLYDIR)
        if number < 0:
            code = ctypes.get_errno()
            # Some folders are closed to all but real superusers, of which builds have none.
            if code == errno.EACCES:
                continue
            name = "fs.inotify.max_user_watches is reached" if code == errno.ENOSPC else folder
            raise OSError(code, name)
        folders[number] = folder[len(TOP) :]
    return queue, folders


def read_events(queue: int, seen: set[bytes]) -> None:
    """Adds what is in the queue; each kind of event is kept once, as it came."""
    while True:
        try:
            data = os.read(queue, 1 << 20)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            end = at + HEADER_BYTES + int.from_bytes(data[at + 12 : at + 16], sys.byteorder)
            seen.add(data[at:end])
            at = end


def main() -> None:
    queue, folders = watch(ctypes.CDLL(None, use_errno=True))
    print("ready", flush=True)
    seen: set[bytes] = set()
    either = select.poll()
    either.register(queue, select.POLLIN)
    either.register(0, select.POLLIN)
    end = select.poll()
    end.register(0, select.POLLIN)
    is_over = False
    while not is_over:
        either.poll()
        if end.poll(PAUSE_MILLISECONDS):
            is_over = not os.read(0, 1024)
        read_events(queue, seen)
    opened = set()
    for event in seen:
        mask = int.from_bytes(event[4:8], sys.byteorder)
        if mask & IN_Q_OVERFLOW:
            print("lost")
            return
        if not mask & IN_ISDIR:
            folder = folders[int.from_bytes(event[:4], sys.byteorder)]
            opened.add(folder + b"/" + event[HEADER_BYTES:].rstrip(b"\0"))
    sys.stdout.buffer.write(b"".join(one + b"\0" for one in [b"opened", *sorted(opened)]))


main()

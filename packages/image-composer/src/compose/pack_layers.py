"""Packs layers: reads files once, checks, hashes and compresses them.

Standard input is a JSON document; standard output is one, too. All paths are this sandbox's own.
A piece becomes gzip members or zstd frames of its own, so that it can be copied later.
"""

import ctypes
import hashlib
import json
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

# Bytes that are hashed and compressed at once. Gzip members begin anew with each block, so another
# size is another image.
BLOCK = 4 << 20
CHUNK = 1 << 20
# Each packs one layer and needs some 10 MB.
THREADS = 4
BUILD_PATH = b"/builddir/"


class Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer have the same shape."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


class Zstd:
    """The streaming interface of libzstd (zstd.h), as far as one frame needs it."""

    library = None

    def __init__(self, level):
        if Zstd.library is None:
            library = ctypes.CDLL("libzstd.so.1")
            library.ZSTD_createCCtx.restype = ctypes.c_void_p
            library.ZSTD_compressStream2.restype = ctypes.c_size_t
            library.ZSTD_CCtx_setParameter.restype = ctypes.c_size_t
            library.ZSTD_getErrorName.restype = ctypes.c_char_p
            library.ZSTD_freeCCtx.argtypes = [ctypes.c_void_p]
            Zstd.library = library
        self.context = ctypes.c_void_p(self.library.ZSTD_createCCtx())
        self.checked(self.library.ZSTD_CCtx_setParameter(self.context, 100, level))
        self.space = ctypes.create_string_buffer(CHUNK)

    def checked(self, code):
        if self.library.ZSTD_isError(ctypes.c_size_t(code)):
            raise ValueError(self.library.ZSTD_getErrorName(ctypes.c_size_t(code)).decode())
        return code

    def compress(self, block, size, last=False):
        source = Buffer(address(block), size, 0)
        while True:
            target = Buffer(ctypes.addressof(self.space), CHUNK, 0)
            left = self.checked(
                self.library.ZSTD_compressStream2(
                    self.context, ctypes.byref(target), ctypes.byref(source), 2 if last else 0
                )
            )
            if target.pos > 0:
                yield memoryview(self.space)[: target.pos]
            if (left == 0) if last else (source.pos == source.size):
                return

    def end(self):
        yield from self.compress(bytearray(1), 0, True)
        self.library.ZSTD_freeCCtx(self.context)


class Libdeflate:
    """libdeflate (libdeflate.h): one gzip member for each block, several times faster than zlib."""

    library = None

    def __init__(self, level):
        if Libdeflate.library is None:
            library = ctypes.CDLL("/libdeflate.so")
            library.libdeflate_alloc_compressor.restype = ctypes.c_void_p
            library.libdeflate_free_compressor.argtypes = [ctypes.c_void_p]
            for name in ("libdeflate_gzip_compress", "libdeflate_gzip_compress_bound"):
                getattr(library, name).restype = ctypes.c_size_t
            Libdeflate.library = library
        self.packer = ctypes.c_void_p(self.library.libdeflate_alloc_compressor(level))
        bound = self.library.libdeflate_gzip_compress_bound(self.packer, ctypes.c_size_t(BLOCK))
        self.space = ctypes.create_string_buffer(bound)

    def compress(self, block, size):
        packed = self.library.libdeflate_gzip_compress(
            self.packer, address(block), ctypes.c_size_t(size), self.space, ctypes.c_size_t(len(self.space))
        )
        if packed == 0:
            raise ValueError("libdeflate needs more room than it said")
        yield memoryview(self.space)[:packed]

    def end(self):
        self.library.libdeflate_free_compressor(self.packer)
        return ()


class Zlib:
    """What a base without libdeflate has. Window bits above 15 ask for a gzip header, which zlib
    writes without name and time."""

    def __init__(self, level):
        self.packer = zlib.compressobj(level, zlib.DEFLATED, 31)

    def compress(self, block, size):
        yield self.packer.compress(memoryview(block)[:size])

    def end(self):
        yield self.packer.flush()


PACKERS = {"zstd": Zstd, "libdeflate": Libdeflate, "zlib": Zlib}


def address(block):
    return ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(block)))


class Layer:
    def __init__(self, job, spec):
        self.job = job
        self.output = open("/job/" + spec["output"], "wb")
        self.packed = hashlib.sha256()
        self.plain = hashlib.sha256()
        self.offset = 0
        self.pieces = []
        self.block = bytearray(BLOCK)
        self.view = memoryview(self.block)
        self.filled = 0
        self.packer = None

    def write(self, data):
        self.packed.update(data)
        self.output.write(data)
        self.offset += len(data)

    def add(self, part):
        start = self.offset
        if "kept" in part:
            # The archive's digest is over what the piece holds: reading the files again is far faster
            # than decompressing them.
            self.packer = None
            self.fill(part["entries"])
            self.copy(part["kept"])
            return
        self.packer = PACKERS[self.job["packer"]](self.job["level"])
        build_paths = self.fill(part["entries"])
        self.send(self.packer.end())
        if "piece" in part:
            place = {"offset": start, "size": self.offset - start}
            self.pieces.append({"piece": part["piece"], **place, "buildPaths": build_paths})

    def copy(self, kept):
        """A piece as an earlier layer has it, whose digest has been checked as a whole."""
        with open("/blobs/" + kept["blob"], "rb") as file:
            file.seek(kept["offset"])
            left = kept["size"]
            while left > 0:
                data = file.read(min(CHUNK, left))
                if not data:
                    raise ValueError("a kept piece is cut off")
                left -= len(data)
                self.write(data)

    def fill(self, entries):
        """The archive's bytes for these entries. Returns which files name the folder of builds."""
        heads = self.job["heads"]
        build_paths = []
        for start, end, source, path, size, algorithm, expected in entries:
            self.put(heads[start:end])
            if source is not None:
                if self.put_file(source, path, size, algorithm, expected):
                    build_paths.append(path)
                self.put(bytes(-size % 512))
        self.flush()
        return build_paths

    def put(self, data):
        done = 0
        while done < len(data):
            part = data[done : done + BLOCK - self.filled]
            self.view[self.filled : self.filled + len(part)] = part
            self.filled += len(part)
            done += len(part)
            if self.filled == BLOCK:
                self.flush()

    def put_file(self, source, path, size, algorithm, expected):
        sum = hashlib.new(algorithm)
        seen = 0
        before = b""
        traced = False
        with open(source, "rb", buffering=0) as file:
            while count := file.readinto(self.view[self.filled :]):
                start, end = self.filled, self.filled + count
                sum.update(self.view[start:end])
                seen += count
                if not traced:
                    across = before + bytes(self.view[start : min(end, start + len(BUILD_PATH))])
                    traced = self.block.find(BUILD_PATH, start, end) >= 0 or BUILD_PATH in across
                    before = bytes(self.view[max(start, end - len(BUILD_PATH)) : end])
                self.filled = end
                if self.filled == BLOCK:
                    self.flush()
        if seen != size or sum.hexdigest() != expected:
            raise Changed(source, path)
        return traced

    def flush(self):
        if self.filled == 0:
            return
        self.plain.update(self.view[: self.filled])
        if self.packer is not None:
            self.send(self.packer.compress(self.block, self.filled))
        self.filled = 0

    def send(self, parts):
        for data in parts:
            self.write(data)

    def end(self):
        self.output.flush()
        os.fsync(self.output.fileno())
        self.output.close()
        return {
            "sha256": self.packed.hexdigest(),
            "size": self.offset,
            "diffId": self.plain.hexdigest(),
            "pieces": self.pieces,
        }


class Changed(Exception):
    """A file is not what its package says, though its size, mode and time are."""


def pack_layer(job, spec):
    layer = Layer(job, spec)
    for part in spec["parts"]:
        layer.add(part)
    return layer.end()


def main():
    job = json.load(sys.stdin)
    with open("/job/heads", "rb") as heads:
        job["heads"] = heads.read()
    with ThreadPoolExecutor(min(os.cpu_count(), THREADS)) as pool:
        try:
            layers = list(pool.map(lambda spec: pack_layer(job, spec), job["layers"]))
        except Changed as changed:
            source, path = changed.args
            json.dump({"changed": path, "source": source}, sys.stdout)
            return
    json.dump({"layers": layers}, sys.stdout)


main()

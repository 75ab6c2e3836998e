"""Packs layers: reads files of a root once, checks, hashes and compresses them.

Standard input is a JSON document; standard output is one, too. All paths are this sandbox's own.
A part of a layer becomes one gzip member or one zstd frame, so that it can be copied later.
"""

import ctypes
import hashlib
import json
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

CHUNK = 1 << 20
BUILD_PATH = b"/builddir/"


class Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer have the same shape."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


class Zstd:
    """The streaming interface of libzstd (zstd.h), as far as one frame needs it."""

    library = None

    @classmethod
    def load(cls):
        if cls.library is None:
            library = ctypes.CDLL("libzstd.so.1")
            library.ZSTD_createCCtx.restype = ctypes.c_void_p
            library.ZSTD_createDCtx.restype = ctypes.c_void_p
            for name in ("ZSTD_compressStream2", "ZSTD_decompressStream", "ZSTD_CCtx_setParameter"):
                getattr(library, name).restype = ctypes.c_size_t
            library.ZSTD_getErrorName.restype = ctypes.c_char_p
            library.ZSTD_freeCCtx.argtypes = [ctypes.c_void_p]
            library.ZSTD_freeDCtx.argtypes = [ctypes.c_void_p]
            cls.library = library
        return cls.library

    def __init__(self, level):
        self.zstd = Zstd.load()
        self.context = ctypes.c_void_p(self.zstd.ZSTD_createCCtx())
        self.checked(self.zstd.ZSTD_CCtx_setParameter(self.context, 100, level))
        self.space = ctypes.create_string_buffer(CHUNK)

    def checked(self, code):
        if self.zstd.ZSTD_isError(ctypes.c_size_t(code)):
            raise ValueError(self.zstd.ZSTD_getErrorName(ctypes.c_size_t(code)).decode())
        return code

    def compress(self, data, last=False):
        source = Buffer(ctypes.cast(ctypes.c_char_p(bytes(data)), ctypes.c_void_p), len(data), 0)
        while True:
            target = Buffer(ctypes.addressof(self.space), CHUNK, 0)
            left = self.checked(
                self.zstd.ZSTD_compressStream2(
                    self.context, ctypes.byref(target), ctypes.byref(source), 2 if last else 0
                )
            )
            if target.pos > 0:
                yield ctypes.string_at(self.space, target.pos)
            if (left == 0) if last else (source.pos == source.size):
                return

    def end(self):
        yield from self.compress(b"", True)
        self.zstd.ZSTD_freeCCtx(self.context)


class Gzip:
    """Window bits above 15 ask for a gzip header; zlib writes it without name and time."""

    def __init__(self, level):
        self.packer = zlib.compressobj(level, zlib.DEFLATED, 31)

    def compress(self, data):
        yield self.packer.compress(data)

    def end(self):
        yield self.packer.flush()


def unzstd(chunks):
    zstd = Zstd.load()
    context = ctypes.c_void_p(zstd.ZSTD_createDCtx())
    space = ctypes.create_string_buffer(CHUNK)
    for chunk in chunks:
        source = Buffer(ctypes.cast(ctypes.c_char_p(chunk), ctypes.c_void_p), len(chunk), 0)
        full = True
        while source.pos < source.size or full:
            target = Buffer(ctypes.addressof(space), CHUNK, 0)
            code = zstd.ZSTD_decompressStream(context, ctypes.byref(target), ctypes.byref(source))
            if zstd.ZSTD_isError(ctypes.c_size_t(code)):
                raise ValueError("a kept piece is damaged")
            yield ctypes.string_at(space, target.pos)
            full = target.pos == CHUNK
    zstd.ZSTD_freeDCtx(context)


def gunzip(chunks):
    unpacker = zlib.decompressobj(31)
    for chunk in chunks:
        yield unpacker.decompress(chunk)


def contents(path):
    """The bytes of a file; those of a big one in parts that overlap by a build path's length."""
    with open(path, "rb", buffering=0) as file:
        while part := file.read(16 * CHUNK):
            yield part


class Layer:
    def __init__(self, job, spec):
        self.job = job
        self.output = open("/work/" + spec["output"], "wb")
        self.packed = hashlib.sha256()
        self.plain = hashlib.sha256()
        self.offset = 0
        self.pieces = []

    def write(self, data):
        self.packed.update(data)
        self.output.write(data)
        self.offset += len(data)

    def add(self, part):
        start = self.offset
        if "kept" in part:
            self.copy(part["kept"])
        else:
            found = self.pack(part["entries"])
            if "piece" in part:
                self.pieces.append({"piece": part["piece"], "offset": start, **found, "size": self.offset - start})

    def copy(self, kept):
        """A piece as an earlier layer has it, checked on the way."""
        digest = hashlib.sha256()

        def chunks():
            with open("/blobs/" + kept["blob"], "rb") as file:
                file.seek(kept["offset"])
                left = kept["size"]
                while left > 0:
                    data = file.read(min(CHUNK, left))
                    if not data:
                        raise ValueError("a kept piece is cut off")
                    left -= len(data)
                    digest.update(data)
                    self.write(data)
                    yield data

        for data in (unzstd if self.job["compression"] == "zstd" else gunzip)(chunks()):
            self.plain.update(data)
        if digest.hexdigest() != kept["sha256"]:
            raise ValueError("a kept piece is damaged")

    def pack(self, entries):
        packer = (Zstd if self.job["compression"] == "zstd" else Gzip)(self.job["level"])
        digest = hashlib.sha256()
        waiting = []
        waiting_bytes = 0
        build_paths = []

        def send(parts):
            for data in parts:
                digest.update(data)
                self.write(data)

        def flush():
            nonlocal waiting, waiting_bytes
            data = b"".join(waiting)
            waiting, waiting_bytes = [], 0
            self.plain.update(data)
            send(packer.compress(data))

        def add(data):
            nonlocal waiting_bytes
            waiting.append(data)
            waiting_bytes += len(data)
            if waiting_bytes >= CHUNK:
                flush()

        heads = self.job["heads"]
        for start, end, path, size, algorithm, expected in entries:
            add(heads[start:end])
            if path is None:
                continue
            sum = hashlib.new(algorithm)
            seen = 0
            before = b""
            traced = False
            for data in contents("/root/" + path):
                sum.update(data)
                seen += len(data)
                traced = traced or BUILD_PATH in data or BUILD_PATH in before + data[: len(BUILD_PATH)]
                before = data[-len(BUILD_PATH) :]
                add(data)
            if seen != size or sum.hexdigest() != expected:
                raise Changed(path)
            if traced:
                build_paths.append(path)
            add(bytes(-size % 512))
        flush()
        send(packer.end())
        return {"sha256": digest.hexdigest(), "buildPaths": build_paths}

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
    with open("/work/heads", "rb") as heads:
        job["heads"] = heads.read()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            layers = list(pool.map(lambda spec: pack_layer(job, spec), job["layers"]))
        except Changed as changed:
            json.dump({"changed": str(changed)}, sys.stdout)
            return
    json.dump({"layers": layers}, sys.stdout)


main()

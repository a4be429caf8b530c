"""What the tests of the terminal program share: files to give it, a web server, and a folder of its own for each test."""
import gzip
import http.server
import json
import math
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib

PROGRAM = ""
TIMEOUT_S = 300
FAILURE, USAGE = 1, 2
FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
MNIST = os.path.abspath(os.environ["MNIST_DIR"]) if os.environ.get("MNIST_DIR") else ""
needs_mnist = unittest.skipUnless(MNIST, "MNIST_DIR is not set")
SMALL = ["--data", "embedded", "--limit", "300", "--threads", "1"]


def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def mnist_gzip(name):
    plain = pathlib.Path(MNIST, name)
    return gzip.compress(plain.read_bytes()) if plain.exists() else pathlib.Path(MNIST, name + ".gz").read_bytes()


def png(rows, claimed=None):
    """A gray PNG of rows of values from 0 to 255; `claimed` writes another (width, height) into its header."""
    width, height = claimed or (len(rows[0]), len(rows))
    return png_of(width, height, 0, b"".join(b"\0" + bytes(row) for row in rows))


def png_of(width, height, kind, rows, data=None):
    """A PNG of 8 bits; kind 0: gray, 6: with alpha. `rows`: its rows, each behind its filter's byte; or `data`: the same, compressed."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows) if data is None else data) + chunk(b"IEND", b"")


def pgm(rows):
    return b"P5 %d %d 255\n" % (len(rows[0]), len(rows)) + b"".join(bytes(row) for row in rows)


def one(side, ground=255, ink=0):
    """A slanted bar, which everybody reads as 1."""
    return [[ink if abs(x - side * (0.62 - 0.24 * y / side)) < side * 0.05 and 0.15 < y / side < 0.85 else ground
             for x in range(side)] for y in range(side)]


def safetensors(layers, tensors, extra=None, architecture=True):
    """A model file with Dense layers (name, units, activation) on inputs of a shape: what another program may write."""
    shape, dense = layers
    config = [{"type": "Flatten", "name": "flatten", "config": {"input_shape": shape}}]
    config += [{"type": "Dense", "name": name, "config": {"units": units, "activation": activation, "use_bias": True,
                                                        "kernel_initializer": "glorot_uniform"}}
               for name, units, activation in dense]
    metadata = {"format": "neurona"}
    if architecture:
        metadata["neurona.architecture"] = json.dumps({
            "class": "Sequential", "name": "foreign", "layers": config,
            "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]})
    header, data = {"__metadata__": metadata}, b""
    for name, extents, values in tensors:
        header[name] = {"dtype": "F32", "shape": extents, "data_offsets": [len(data), len(data) + 4 * len(values)]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps({**header, **(extra or {})}).encode()
    return struct.pack("<Q", len(text)) + text + data


def dense_model(shape, units, value=0.01):
    inputs = math.prod(shape)
    return safetensors((shape, [("d", units, "softmax")]),
                       [("d/kernel", [inputs, units], [value] * (inputs * units)), ("d/bias", [units], [0.0] * units)])


class Mirror:
    """A web server on 127.0.0.1. `content(path)` gives bytes or None; `cut(path, nth)` how many bytes of the answer to send; with `hold`
    such an answer stays open until release()."""

    def __init__(self, content, cut=None, hold=False):
        self.requests = []
        self.released = threading.Event()
        if not hold:
            self.released.set()
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                begin = int(asked.split("=")[1].split("-")[0]) if asked else 0
                nth = sum(path == self.path for path, _ in mirror.requests)
                mirror.requests.append((self.path, begin if asked else None))
                body = content(self.path)
                if body is None:
                    self.send_error(404)
                    return
                size = len(body)
                if asked and begin >= size:
                    self.send_error(416)
                    return
                body = body[begin:]
                self.send_response(206 if asked else 200)
                if asked:
                    self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                limit = cut(self.path, nth) if cut else None
                self.wfile.write(body if limit is None else body[:limit])
                if limit is not None:
                    self.wfile.flush()
                    mirror.released.wait(TIMEOUT_S)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def release(self):
        self.released.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self.server.shutdown()
        self.server.server_close()


class CliTest(unittest.TestCase):
    """Each test has a folder of its own, and an environment in which MNIST is nowhere."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="neurona_cli_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in ("MNIST_DIR", "RESNET50_DIR", "IMAGENET_DIR", "XDG_CACHE_HOME", "OMP_NUM_THREADS")}
        self.environment.update(NEURONA_CACHE=str(self.folder / "cache"), HOME=str(self.folder),
                                NEURONA_MNIST_MIRROR=f"http://127.0.0.1:{closed_port()}/",
                                NEURONA_RESNET50_MIRROR=f"http://127.0.0.1:{closed_port()}/")

    def run_program(self, *arguments, stdout=subprocess.PIPE):
        return subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, env=self.environment, stdout=stdout,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, errors="surrogateescape", timeout=TIMEOUT_S, check=False)

    def succeed(self, *arguments):
        result = self.run_program(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def succeed_json(self, *arguments):
        return json.loads(self.succeed(*arguments, "--json").stdout)

    def fail_with(self, status, *arguments, saying=()):
        """The program ends with this status and says all this on standard error, in one message, and no JSON."""
        result = self.run_program(*arguments)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertIn("neurona: ", result.stderr)
        for text in [saying] if isinstance(saying, str) else saying:
            self.assertIn(text, result.stderr)
        if "--json" in arguments:
            self.assertEqual(result.stdout, "")
        return result

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


def main(usage):
    """Runs the tests of the calling module; the first argument is the program."""
    global PROGRAM
    if len(sys.argv) < 2:
        sys.exit(usage)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    if not MNIST:
        print("MNIST_DIR is not set: the tests that need it are skipped.", flush=True)
    unittest.main(verbosity=2)

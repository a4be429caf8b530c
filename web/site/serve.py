#!/usr/bin/env python3
"""Serves the page on this machine: python3 web/site/serve.py [--port 8000] [--mnist DIR] build/site

Only the standard library. Files compressed beforehand (FILE.br, FILE.gz, see assemble.py) are sent to browsers that
accept them; MNIST's files are sent byte by byte under /data/mnist/, under whichever of their names they are there: the
page unpacks them where they are packed.
"""
import argparse
import email.utils
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json",
    ".wasm": "application/wasm", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg", ".webp": "image/webp", ".ico": "image/x-icon", ".ttf": "font/ttf", ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
    ".webmanifest": "application/manifest+json", ".xml": "application/xml",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # by preference
MNIST = re.compile(r"((?:train|t10k)-(?:images-idx3|labels-idx1)-ubyte)(?:\.gz)?")
HASHED_NAME = re.compile(r"[.-][0-9a-f]{8,}\.\w+$")
CHUNK = 64 * 1024
POLICY = "; ".join([
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self'",
])


def mnist_names(name):
    """The names that a file of MNIST goes by, as the program knows them too, `name` first; none for other files."""
    match = MNIST.fullmatch(name.replace(".idx", "-idx"))
    if not match:
        return []
    stems = (match[1], match[1].replace("-idx", ".idx"))
    return [name] + [stem + ending for ending in (".gz", "") for stem in stems]


def accepted_encodings(header):
    """The content codings of an Accept-Encoding header that are not refused with q=0."""
    accepted, refused = set(), set()
    for part in (header or "").lower().split(","):
        name, _, parameters = part.strip().partition(";")
        quality = re.search(r"q\s*=\s*([0-9.]+)", parameters)
        try:
            zero = quality is not None and float(quality.group(1)) == 0
        except ValueError:
            zero = True
        (refused if zero else accepted).add(name.strip())
    if "*" in accepted:
        accepted |= {name for name, _ in ENCODINGS}
    return accepted - refused


def parse_range(header, size):
    """(first, last) of a single byte range; None when the header is not one; False when it cannot be satisfied."""
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", header, re.ASCII)
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        count = int(match[2])
        return (max(0, size - count), size - 1) if count and size else False
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    return (first, last) if first < size else False


class Faults:
    """For tests of a bad network: slow downloads below /data/, and downloads that break or fall silent in the middle."""

    def __init__(self, throttle, cut_after, cut_times, stall):
        self.throttle, self.cut_after, self.stall, self._left = throttle, cut_after, stall, cut_times
        self._lock = threading.Lock()

    def cut_for(self, size):
        """After how many bytes this response is to break; None: not at all."""
        with self._lock:
            if self.cut_after is None or size <= self.cut_after or self._left == 0:
                return None
            self._left -= 1
            return self.cut_after


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "neurona"
    sys_version = ""
    timeout = 60  # an idle connection gives its thread back

    def do_GET(self):
        self.answer(send_body=True)

    def do_HEAD(self):
        self.answer(send_body=False)

    def answer(self, send_body):
        try:
            self.route(send_body)
        except (BrokenPipeError, ConnectionResetError, TimeoutError, socket.timeout):
            self.close_connection = True  # the reader left

    def route(self, send_body):
        path = self.requested_path()
        if path is None:
            return self.fail(HTTPStatus.BAD_REQUEST, "This address is not understood.")
        if path == "data/mnist" or path.startswith("data/mnist/"):
            return self.send_mnist(path[len("data/mnist/"):], send_body)
        return self.send_site_file(path, send_body)

    def requested_path(self):
        """The decoded path without its leading slash; None for one that is none or tries to leave the folder."""
        try:
            path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path, errors="strict")
        except ValueError:  # an address such as http://[x, or bytes that are no text
            return None
        if not path.startswith("/") or "\\" in path or any(ord(c) < 32 for c in path):
            return None
        return None if ".." in path.split("/") else path.lstrip("/")

    # --- what is sent ------------------------------------------------------------------------------------------
    def send_mnist(self, name, send_body):
        folder = self.server.mnist
        if name == "":
            files = sorted(f for f in os.listdir(folder) if mnist_names(f)) if folder else []
            listing = {"files": [{"name": f, "size_bytes": (folder / f).stat().st_size} for f in files]}
            return self.send_bytes(json.dumps(listing).encode(), "application/json", send_body)
        files = [folder / n for n in mnist_names(name) if (folder / n).is_file()] if folder else []
        if not files:
            return self.fail(HTTPStatus.NOT_FOUND, "MNIST is not here. Start the server with --mnist DIR.")
        # The file's own bytes, not a content coding: the page checks and unpacks them itself.
        return self.send_file(files[0], "application/octet-stream", None, False, send_body, faults=True)

    def send_site_file(self, path, send_body):
        root = self.server.root
        try:
            file = (root / path).resolve()
        except (OSError, RuntimeError, ValueError):
            return self.fail(HTTPStatus.NOT_FOUND, "There is no such page.")
        if file != root and root not in file.parents:
            return self.fail(HTTPStatus.NOT_FOUND, "There is no such page.")
        if file.is_dir():
            if path and not path.endswith("/"):
                address = "/" + urllib.parse.quote(path) + "/"
                self.send_response(HTTPStatus.MOVED_PERMANENTLY)
                self.send_header("Location", address)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            file = file / "index.html"
        if not file.is_file() or (path.endswith("/") and file.name != "index.html"):
            return self.fail(HTTPStatus.NOT_FOUND, "There is no such page.")
        kind = TYPES.get(file.suffix.lower(), "application/octet-stream")
        faults = path.startswith("data/")
        accepted = accepted_encodings(self.headers.get("Accept-Encoding"))
        modified = file.stat().st_mtime_ns
        variants = False
        for encoding, suffix in ENCODINGS:
            compressed = file.with_name(file.name + suffix)
            # Older than the file itself: left over from another build.
            if compressed.is_file() and compressed.stat().st_mtime_ns >= modified:
                variants = True
                if encoding in accepted and "Range" not in self.headers:
                    return self.send_file(compressed, kind, encoding, True, send_body, faults)
        return self.send_file(file, kind, None, variants, send_body, faults)

    def send_file(self, file, kind, encoding, vary, send_body, faults):
        try:
            source = open(file, "rb")
        except OSError:
            return self.fail(HTTPStatus.NOT_FOUND, "This file cannot be read.")
        with source:
            status = os.fstat(source.fileno())
            tag = f'"{status.st_size:x}-{status.st_mtime_ns:x}{"-" + encoding if encoding else ""}"'
            headers = {
                "ETag": tag,
                "Last-Modified": email.utils.formatdate(status.st_mtime, usegmt=True),
                "Cache-Control": "public, max-age=31536000, immutable" if HASHED_NAME.search(file.name) else "no-cache",
            }
            if vary:
                headers["Vary"] = "Accept-Encoding"
            if self.unchanged(tag, status.st_mtime):
                return self.begin(HTTPStatus.NOT_MODIFIED, headers)
            headers["Content-Type"] = kind
            if encoding:
                headers["Content-Encoding"] = encoding
            else:
                headers["Accept-Ranges"] = "bytes"
            first, last, code = 0, status.st_size - 1, HTTPStatus.OK
            if not encoding and "Range" in self.headers and self.headers.get("If-Range", tag) == tag:
                part = parse_range(self.headers["Range"], status.st_size)
                if part is False:
                    return self.fail(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The file has no such bytes.",
                                     {"Content-Range": f"bytes */{status.st_size}"})
                if part:
                    (first, last), code = part, HTTPStatus.PARTIAL_CONTENT
                    headers["Content-Range"] = f"bytes {first}-{last}/{status.st_size}"
            length = last - first + 1
            headers["Content-Length"] = str(length)
            self.begin(code, headers)
            if send_body:
                source.seek(first)
                self.copy(source, length, self.server.faults if faults else None)

    def unchanged(self, tag, modified):
        if "If-None-Match" in self.headers:
            tags = [t.strip().removeprefix("W/") for t in self.headers["If-None-Match"].split(",")]
            return tag in tags or "*" in tags
        try:
            since = email.utils.parsedate_to_datetime(self.headers["If-Modified-Since"]).timestamp()
        except (TypeError, ValueError, KeyError, OverflowError):
            return False
        return int(modified) <= since

    def copy(self, source, length, faults):
        cut = faults.cut_for(length) if faults else None
        throttle = faults.throttle if faults else None
        started, sent = time.monotonic(), 0
        while sent < length:
            size = min(CHUNK, length - sent)
            if throttle:
                size = min(size, max(1, throttle // 10))
            if cut is not None:
                size = min(size, cut - sent)
                if size <= 0:
                    if faults.stall:
                        self.rfile.read(1)  # says nothing more until the reader leaves or the time is over
                    # Close without the bytes that Content-Length promised: the browser sees a broken download.
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
            data = source.read(size)
            if not data:  # the file was shortened while it was being sent
                self.close_connection = True
                return
            self.wfile.write(data)
            sent += len(data)
            if throttle:
                time.sleep(max(0.0, sent / throttle - (time.monotonic() - started)))

    def send_bytes(self, body, kind, send_body):
        self.begin(HTTPStatus.OK, {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-cache"})
        if send_body:
            self.wfile.write(body)

    def fail(self, code, message, headers=None):
        body = f"{code.value} {code.phrase}. {message}\n".encode()
        self.begin(code, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)),
                          "Cache-Control": "no-store", **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, code, headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def end_headers(self):
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", POLICY)
        if self.server.isolated:
            # What a page needs for threads; everything here is of one origin.
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def log_message(self, format, *arguments):
        if self.server.verbose:
            super().log_message(format, *arguments)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port, root, mnist, faults, isolated, verbose):
        self.root, self.mnist, self.faults = root, mnist, faults
        self.isolated, self.verbose = isolated, verbose
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def listen(arguments, faults):
    """The server on the port, or on one of the next when that is allowed; a clear error otherwise."""
    last = min(arguments.port + arguments.try_next, 65535)
    for port in range(arguments.port, last + 1):
        try:
            return Server(port, arguments.site, arguments.mnist, faults, not arguments.no_isolation, arguments.verbose)
        except PermissionError:
            sys.exit(f"error: this user may not listen on port {port}.\n  Choose one above 1023: --port 8000")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if port < last:
                print(f"port {port} is taken, trying {port + 1}", flush=True)
    which = f"port {arguments.port} is" if last == arguments.port else f"the ports {arguments.port} to {last} are"
    sys.exit(f"error: {which} already in use by another program.\n"
             f"  Choose another one, for instance --port {min(last + 10, 65535)}, or end the other program.")


def port_number(text):
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port lies between 0 (any free one) and 65535")
    return port


def positive(text):
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path, help="folder with index.html, usually build/site")
    parser.add_argument("--port", type=port_number, default=8000, help="default 8000; 0 takes any free one")
    parser.add_argument("--try-next", type=int, default=0, metavar="N", help="when the port is taken, try the next N")
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder with the original files of MNIST")
    parser.add_argument("--no-isolation", action="store_true", help="without COOP/COEP, as most web hosts send pages")
    parser.add_argument("--open", action="store_true", help="open the page in a browser (through xdg-open)")
    parser.add_argument("--verbose", action="store_true", help="print each request")
    tests = parser.add_argument_group("for tests, on everything below /data/")
    tests.add_argument("--throttle", type=positive, metavar="BYTES_PER_S", help="send slowly")
    tests.add_argument("--cut-after", type=positive, metavar="BYTES", help="break a longer download after so many bytes")
    tests.add_argument("--cut-times", type=int, default=-1, metavar="N", help="break only the first N (default: all)")
    tests.add_argument("--stall", action="store_true", help="fall silent there instead of breaking")
    arguments = parser.parse_args()

    arguments.site = arguments.site.resolve()
    if not (arguments.site / "index.html").is_file():
        sys.exit(f"error: {arguments.site} has no index.html.\n  Build the page first: ./run build web")
    if arguments.mnist is not None:
        arguments.mnist = arguments.mnist.resolve()
        if not arguments.mnist.is_dir():
            sys.exit(f"error: --mnist {arguments.mnist} is not a folder.")

    server = listen(arguments, Faults(arguments.throttle, arguments.cut_after, arguments.cut_times, arguments.stall))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    print(f"Neurona: {address}   (Ctrl+C ends it)", flush=True)
    if arguments.open:
        try:
            # The socket listens already: a browser that is faster than the next line waits.
            subprocess.Popen(["xdg-open", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        except OSError:
            pass  # the address stands above
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


if __name__ == "__main__":
    main()

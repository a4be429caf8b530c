#!/usr/bin/env python3
"""Tests of the page's server: serve_test.py PATH/TO/serve.py"""
import gzip
import http.client
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

SERVER = ""
TIMEOUT_S = 20
PAGE = b"<!doctype html><title>Neurona</title>"
PROGRAM = bytes(range(256)) * 40


class Served:
    """The server on a free port over a folder of its own; `get` asks it as a browser would."""

    def __init__(self, site, *options):
        self.process = subprocess.Popen([sys.executable, SERVER, "--port", "0", *map(str, options), str(site)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", line)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=TIMEOUT_S)

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


class ServeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="neurona_serve_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.site = self.folder / "site"
        self.site.mkdir()
        (self.site / "index.html").write_bytes(PAGE)
        (self.site / "neurona.wasm").write_bytes(PROGRAM)
        (self.site / "neurona.wasm.gz").write_bytes(gzip.compress(PROGRAM))
        (self.folder / "secret.txt").write_text("not for the web")

    def mnist(self):
        folder = self.folder / "mnist"
        folder.mkdir()
        (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(1000)))
        (folder / "notes.txt").write_text("private")
        return folder

    def test_the_folder_answers_with_its_page_and_what_threads_need(self):
        with Served(self.site) as server:
            status, headers, body = server.get("/")
            self.assertEqual((status, body), (200, PAGE))
            self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
            self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")
            self.assertEqual(headers["Cross-Origin-Embedder-Policy"], "require-corp")
            self.assertEqual(server.get("/", "HEAD")[2], b"")
        with Served(self.site, "--no-isolation") as server:
            self.assertNotIn("Cross-Origin-Opener-Policy", server.get("/")[1])

    def test_compressed_files_go_to_those_who_accept_them(self):
        with Served(self.site) as server:
            status, headers, body = server.get("/neurona.wasm", Accept_Encoding="br;q=0, gzip")
            self.assertEqual((status, headers["Content-Encoding"], gzip.decompress(body)), (200, "gzip", PROGRAM))
            self.assertEqual(headers["Content-Type"], "application/wasm")
            for refused in ("", "identity", "gzip;q=0"):
                _, headers, body = server.get("/neurona.wasm", Accept_Encoding=refused)
                self.assertNotIn("Content-Encoding", headers)
                self.assertEqual(body, PROGRAM)

    def test_a_compressed_file_older_than_its_original_is_not_sent(self):
        os.utime(self.site / "neurona.wasm.gz", (1, 1))
        with Served(self.site) as server:
            self.assertNotIn("Content-Encoding", server.get("/neurona.wasm", Accept_Encoding="gzip")[1])

    def test_ranges_are_the_bytes_asked_for(self):
        with Served(self.site) as server:
            for asked, status, begin, end in (("bytes=10-19", 206, 10, 20), ("bytes=10000-", 206, 10000, 10240), ("bytes=-5", 206, 10235, 10240),
                                              ("bytes=9-1", 200, 0, 10240), ("lines=1-2", 200, 0, 10240)):
                got, headers, body = server.get("/neurona.wasm", Range=asked)
                self.assertEqual((got, body), (status, PROGRAM[begin:end]), asked)
            status, headers, _ = server.get("/neurona.wasm", Range="bytes=10240-")
            self.assertEqual((status, headers["Content-Range"]), (416, "bytes */10240"))

    def test_a_range_of_thousands_of_digits_is_ignored(self):
        with Served(self.site) as server:
            for asked in ("bytes=0-" + "9" * 5000, "bytes=" + "9" * 5000 + "-", "bytes=-" + "9" * 5000):
                self.assertEqual(server.get("/neurona.wasm", Range=asked)[::2], (200, PROGRAM), asked[:12])

    def test_an_address_that_is_none_is_answered(self):
        with Served(self.site) as server:
            for address in (b"http://[x", b"/%ff"):
                with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as connection:
                    connection.sendall(b"GET " + address + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertIn(b" 400 ", connection.recv(64), address)

    def test_every_answer_forbids_code_from_elsewhere(self):
        with Served(self.site) as server:
            for path in ("/", "/neurona.wasm", "/none"):
                policy = server.get(path)[1]["Content-Security-Policy"].split("; ")
                self.assertIn("default-src 'self'", policy)
                self.assertIn("script-src 'self' 'wasm-unsafe-eval'", policy)

    def test_what_has_not_changed_is_not_sent_again(self):
        with Served(self.site) as server:
            tag = server.get("/neurona.wasm")[1]["ETag"]
            self.assertEqual(server.get("/neurona.wasm", If_None_Match=tag)[0], 304)
            self.assertEqual(server.get("/neurona.wasm", If_None_Match='"another"')[0], 200)

    def test_nothing_outside_the_folder_is_sent(self):
        (self.site / "link").symlink_to(self.folder / "secret.txt")
        with Served(self.site) as server:
            for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/a/../../secret.txt", "/..%2fsecret.txt", "/..\\secret.txt", "/link",
                         "//secret.txt", f"/{self.folder}/secret.txt", "/%00", "/none"):
                status, _, body = server.get(path)
                self.assertIn(status, (400, 404), path)
                self.assertNotIn(b"not for the web", body)

    def test_mnist_is_sent_in_its_original_bytes_and_nothing_else_of_its_folder(self):
        folder = self.mnist()
        with Served(self.site, "--mnist", folder) as server:
            status, headers, body = server.get("/data/mnist/t10k-labels-idx1-ubyte.gz", Accept_Encoding="gzip, br")
            self.assertEqual((status, body), (200, (folder / "t10k-labels-idx1-ubyte.gz").read_bytes()))
            self.assertNotIn("Content-Encoding", headers)
            self.assertEqual(server.get("/data/mnist/notes.txt")[0], 404)
            self.assertEqual(server.get("/data/mnist/")[2].count(b'"name"'), 1)
        with Served(self.site) as server:
            self.assertEqual(server.get("/data/mnist/t10k-labels-idx1-ubyte.gz")[0], 404)

    def test_mnist_is_found_under_each_of_its_names(self):
        folder = self.folder / "mnist"
        folder.mkdir()
        asked = "/data/mnist/train-images-idx3-ubyte.gz"
        with Served(self.site, "--mnist", folder) as server:
            self.assertEqual(server.get(asked)[0], 404)
            # Each goes before those that came earlier; the name that is asked for goes before all.
            for name in ("train-images.idx3-ubyte", "train-images-idx3-ubyte", "train-images.idx3-ubyte.gz", "train-images-idx3-ubyte.gz"):
                (folder / name).write_bytes(name.encode())
                status, headers, body = server.get(asked, Accept_Encoding="gzip")
                self.assertEqual((status, body), (200, name.encode()))
                self.assertNotIn("Content-Encoding", headers)
            self.assertEqual(server.get("/data/mnist/train-images.idx3-ubyte")[2], b"train-images.idx3-ubyte")
            self.assertEqual(server.get("/data/mnist/")[2].count(b'"name"'), 4)
            for other in ("train-labels-idx1-ubyte.gz", "train-images-idx1-ubyte.gz", "train.idx-images-idx3-ubyte"):
                self.assertEqual(server.get("/data/mnist/" + other)[0], 404, other)

    def test_a_stalled_download_stays_open_without_a_byte(self):
        folder = self.mnist()
        with Served(self.site, "--mnist", folder, "--cut-after", 10, "--stall") as server, \
                socket.create_connection(("127.0.0.1", server.port), timeout=1) as connection:
            connection.sendall(b"GET /data/mnist/t10k-labels-idx1-ubyte.gz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            with self.assertRaises(TimeoutError):
                while data := connection.recv(4096):
                    received += data
            self.assertEqual(len(received.partition(b"\r\n\r\n")[2]), 10)

    def test_a_cut_download_breaks_and_the_next_one_is_whole(self):
        folder = self.mnist()
        whole = (folder / "t10k-labels-idx1-ubyte.gz").read_bytes()
        with Served(self.site, "--mnist", folder, "--cut-after", 10, "--cut-times", 1) as server:
            with self.assertRaises(http.client.IncompleteRead) as broken:
                server.get("/data/mnist/t10k-labels-idx1-ubyte.gz")
            self.assertEqual(broken.exception.partial, whole[:10])
            self.assertEqual(server.get("/data/mnist/t10k-labels-idx1-ubyte.gz")[2], whole)

    def refuse(self, *options, site=None):
        result = subprocess.run([sys.executable, SERVER, *map(str, options), str(site or self.site)], capture_output=True, text=True,
                                timeout=TIMEOUT_S, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("Traceback", result.stderr)
        return result.stderr

    def test_a_port_in_use_is_said_and_the_next_is_tried_where_that_is_allowed(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            said = self.refuse("--port", port)
            self.assertIn(f"port {port} is already in use", said)
            self.assertIn("Choose another one", said)
            process = subprocess.Popen([sys.executable, SERVER, "--port", str(port), "--try-next", "20", str(self.site)],
                                       stdout=subprocess.PIPE, text=True)
            lines = [process.stdout.readline(), process.stdout.readline()]
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)
            self.assertIn(f"port {port} is taken", lines[0])
            self.assertNotIn(f":{port}/", "".join(line for line in lines if "http://" in line))

    def test_a_folder_without_a_page_and_a_port_that_is_none_are_refused(self):
        self.assertIn("has no index.html", self.refuse("--port", 0, site=self.folder))
        self.assertIn("a port lies between", self.refuse("--port", 70000))
        self.assertIn("is not a folder", self.refuse("--port", 0, "--mnist", self.folder / "none"))


if __name__ == "__main__":
    SERVER = sys.argv.pop(1)
    unittest.main(verbosity=2)

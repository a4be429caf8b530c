#!/usr/bin/env python3
"""Digits in pictures of paper: pictures_test.py PROGRAM ROOT [arguments of unittest]

Pen strokes (STROKES_DIR) of writers whom the search was not tuned on, drawn as pictures with a fault of each kind: the same 60 digits for all
kinds, those that are read on plain paper (some of the public strokes are a part of a digit, and nobody could read them); MNIST's own test images (MNIST_DIR) as PNG, as they are and prepared; the small inputs of the field (FIELD_DIR). Skipped without the data or without numpy.
"""
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy

    import pictures

    MISSING = ""
except ImportError as error:
    MISSING = f"{error}: install python3-numpy"

PROGRAM = MODEL = ""
COUNT = 60
SEED = 100  # of the pictures
READ_ON_PLAIN_PAPER = 0.95  # of all; the network itself errs on 2.5% of such digits drawn in the page
# Shares of right answers.
AT_LEAST = {"light": 0.97, "shadow": 0.95, "gradient": 0.97, "vignette": 0.97, "table": 0.95, "frame": 0.95, "specks": 0.90,
            "ruled": 0.97, "squared": 0.97, "thin": 0.95, "off_center_28": 0.97}
SAME_ANSWERS = 0.99  # of MNIST's test images, as they are and prepared
FIELD = os.environ.get("FIELD_DIR", "")
STROKES = os.environ.get("STROKES_DIR", "")
MNIST = os.environ.get("MNIST_DIR", "")


def predict(files, *options):
    """The label of each picture; None where no digit was found."""
    labels = []
    for begin in range(0, len(files), 2000):  # a command line has its limit
        result = subprocess.run([PROGRAM, "predict", MODEL, "--json", *options, *map(str, files[begin:begin + 2000])], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, check=False)
        labels += [one.get("label") for one in json.loads(result.stdout)["predictions"]]
    return labels


@unittest.skipIf(MISSING, MISSING)
class Pictures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="neurona_pictures_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def draw(self, digits, kind):
        files = []
        for i, digit in enumerate(digits):
            files.append(self.folder / f"{kind}_{i}.png")
            files[-1].write_bytes(pictures.png(pictures.picture_of(digit, kind, SEED * 10000 + pictures.KINDS.index(kind) * 100 + i)))
        return files

    @unittest.skipUnless(STROKES, "STROKES_DIR is not set")
    def test_digits_are_read_whatever_the_paper_and_the_light(self):
        digits = pictures.read_digits(STROKES)
        self.assertEqual({"plain", *AT_LEAST}, set(pictures.KINDS))
        chosen = [digits[(SEED + i) * 7919 % len(digits)] for i in range(COUNT * 5 // 4)]
        told = predict(self.draw(chosen, "plain"))
        readable = [digit for digit, label in zip(chosen, told) if label == digit["label"]]
        print(f"  on plain paper {100 * len(readable) / len(chosen):5.1f}% right of {len(chosen)}", flush=True)
        self.assertGreaterEqual(len(readable) / len(chosen), READ_ON_PLAIN_PAPER)
        shares = {}
        for kind in AT_LEAST:
            files = self.draw(readable[:COUNT], kind)
            told = predict(files)
            wrong = [(file.name, digit["label"], said) for file, digit, said in zip(files, readable, told) if digit["label"] != said]
            shares[kind] = 1 - len(wrong) / COUNT
            print(f"  {kind:14s} {100 * shares[kind]:5.1f}% right, at least {100 * AT_LEAST[kind]:.0f}%; wrong (file, label, answer): {wrong}", flush=True)
        for kind, share in shares.items():
            with self.subTest(kind=kind):
                self.assertGreaterEqual(share, AT_LEAST[kind])

    @unittest.skipUnless(MNIST, "MNIST_DIR is not set")
    def test_mnists_images_give_the_same_answer_as_they_are_and_prepared(self):
        read = lambda name: gzip.decompress(data) if (data := self.file_of(name))[:2] == b"\x1f\x8b" else data
        pixels = numpy.frombuffer(read("t10k-images-idx3-ubyte")[16:], "u1").reshape(-1, 28, 28)
        labels = read("t10k-labels-idx1-ubyte")[8:]
        files = []
        for i, image in enumerate(pixels):
            files.append(self.folder / f"{i}.png")
            files[-1].write_bytes(pictures.png(image / 255))
        plain, prepared = predict(files, "--as-is"), predict(files)
        same = sum(a == b for a, b in zip(plain, prepared)) / len(files)
        right = [sum(a == b for a, b in zip(told, labels)) / len(files) for told in (plain, prepared)]
        print(f"  same answer: {100 * same:.2f}%; right as they are {100 * right[0]:.2f}%, prepared {100 * right[1]:.2f}%", flush=True)
        self.assertGreaterEqual(same, SAME_ANSWERS)
        self.assertGreaterEqual(right[1], 0.99)

    def file_of(self, name):
        return next(path for ending in ("", ".gz") if (path := pathlib.Path(MNIST, name + ending)).exists()).read_bytes()

    @unittest.skipUnless(FIELD, "FIELD_DIR is not set")
    def test_the_pictures_of_the_field_are_read(self):
        files = sorted(path for path in pathlib.Path(FIELD).iterdir() if path.suffix in (".png", ".jpg"))
        self.assertGreater(len(files), 10)
        # The 7s are called by their fault, the 0s have their number: frame_0_002.png.
        truth = [0 if re.search(r"_0_\d{3}$", path.stem) else 7 for path in files]
        self.assertEqual(dict(zip([path.name for path in files], predict(files))), dict(zip([path.name for path in files], truth)))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    PROGRAM, ROOT = map(os.path.abspath, (sys.argv.pop(1), sys.argv.pop(1)))
    MODEL = os.path.join(ROOT, "assets/models/digits.safetensors")
    for variable in ("STROKES_DIR", "MNIST_DIR", "FIELD_DIR"):
        if not os.environ.get(variable):
            print(f"{variable} is not set: the tests that need it are skipped.", flush=True)
    unittest.main(verbosity=2)

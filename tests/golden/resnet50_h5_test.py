#!/usr/bin/env python3
"""Tests of ResNet-50 with Keras' weight files: resnet50_h5_test.py PROGRAM [arguments of unittest]

python3-h5py writes the drawn weights (generate/resnet50_weights.py), the program reads them and predicts a picture, and its
probabilities are those of the fixture. Then the same files, damaged. Skipped without python3-h5py and python3-numpy.
"""
import json
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "generate"))
try:
    import h5py
    import numpy

    import resnet50_h5
    import resnet50_weights as drawn

    MISSING = ""
except ImportError as error:
    MISSING = f"{error}: install python3-h5py and python3-numpy"

PROGRAM = ""
TIMEOUT_S = 300
FAILURE = 1
TOLERANCE = 1e-3  # of the largest probability: README.md
SEED = 20  # of the places of the random flips
RANDOM_FLIPS = 24


def fixture(name):
    """The elements of a float32 tensor of fixtures/resnet50.safetensors."""
    data = (HERE / "fixtures" / "resnet50.safetensors").read_bytes()
    length = struct.unpack_from("<Q", data)[0]
    begin, end = json.loads(data[8:8 + length])[name]["data_offsets"]
    return numpy.frombuffer(data[8 + length + begin:8 + length + end], "<f4")


def png(image):
    """An RGB PNG of (height, width, 3) bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@unittest.skipIf(MISSING, MISSING)
class ResNet50Test(unittest.TestCase):
    """All tests share a folder: a file of weights has 103 MB."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="neurona_resnet50_")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.image = cls.folder / "image.png"
        cls.image.write_bytes(png(drawn.image_8bit()))
        index = {i: [f"n{i:08}", f"class_{i}"] for i in range(drawn.CLASSES)}
        (cls.folder / "imagenet_class_index.json").write_text(json.dumps(index))
        cls.weights = cls.folder / "new.h5"
        resnet50_h5.write(cls.weights, "new")
        cls.environment = {**os.environ, "IMAGENET_DIR": str(cls.folder), "NEURONA_CACHE": str(cls.folder / "cache")}

    def predict(self, weights):
        return subprocess.run([PROGRAM, "predict", "--network", "resnet50", "--weights", str(weights), str(self.image), "--json"],
                              env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              text=True, errors="replace", timeout=TIMEOUT_S, check=False)

    def probabilities(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        return numpy.array(json.loads(result.stdout)["predictions"][0]["probabilities"])

    def assert_equals_fixture(self, weights):
        is_, should = self.probabilities(self.predict(weights)), fixture("photo/probabilities")
        self.assertEqual(is_.shape, should.shape)
        error = abs(is_ - should).max() / should.max()
        print(f"{weights.name}: largest error {error:.2e} of the largest probability", flush=True)
        self.assertLess(error, TOLERANCE)

    def assert_fails_clearly(self, weights):
        result = self.predict(weights)
        self.assertEqual(result.returncode, FAILURE, result.stderr)
        self.assert_clear(result, weights)
        return result.stderr

    def assert_clear(self, result, weights):
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.startswith("neurona: "), result.stderr)
        self.assertIn(weights.name, result.stderr)
        self.assertNotIn("HDF5-DIAG", result.stderr)

    def assert_survives(self, weights):
        """A clear failure, or, as HDF5 has no checksum for what was damaged, a prediction from other weights."""
        result = self.predict(weights)
        self.assertIn(result.returncode, (0, FAILURE), result.stderr)
        if result.returncode == FAILURE:
            self.assert_clear(result, weights)
        else:
            self.assertAlmostEqual(self.probabilities(result).sum(), 1, places=4)

    def flipped(self, positions):
        """Yields (label, file) with one byte of the good file changed at a time."""
        damaged = self.folder / "damaged.h5"
        damaged.write_bytes(self.weights.read_bytes())
        with open(damaged, "r+b", buffering=0) as file:
            for label, position, mask in positions:
                file.seek(position)
                good = file.read(1)
                file.seek(position)
                file.write(bytes([good[0] ^ mask]))
                yield f"{label}, byte {position} ^ {mask:#x}", damaged
                file.seek(position)
                file.write(good)

    def predict_pictures(self, *pictures, environment=None, extra=()):
        return subprocess.run([PROGRAM, "predict", "--network", "resnet50", "--weights", str(self.weights), *map(str, pictures), *extra],
                              env={**self.environment, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=TIMEOUT_S, check=False)

    def test_the_top_three_are_printed_as_the_tutorial_does(self):
        result = self.predict_pictures(self.image, self.image)
        self.assertEqual(result.returncode, 0, result.stderr)
        best = sorted(enumerate(fixture("photo/probabilities")), key=lambda pair: -pair[1])[:3]
        lines = "".join(f"  n{i:08} - {f'class_{i}':12s} {100 * p:.2f}%\n" for i, p in best)
        self.assertEqual(result.stdout, f"Image #0: {self.image}\n{lines}\nImage #1: {self.image}\n{lines}\n")

    def test_pictures_that_cannot_be_used_are_told_and_the_others_predicted(self):
        jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b08000800080101110000")
        bad = {"cut.jpg": (jpeg, "cut short"), "empty.png": (b"", "it is empty"), "none.png": (png(numpy.zeros((0, 0, 3), "u1")), ""),
               "huge.png": (struct.pack(">8sI4sIIBBBBBI", b"\x89PNG\r\n\x1a\n", 13, b"IHDR", 30000, 30000, 8, 2, 0, 0, 0, 0) + bytes(99),
                            "30000x30000; images of up to 100 million pixels"),
               "text.jpg": (b"hello", "no image that can be read")}
        for name, (content, _) in bad.items():
            (self.folder / name).write_bytes(content)
        result = self.predict_pictures(*(self.folder / name for name in bad), self.image, self.folder / "missing.jpg", extra=["--json"])
        self.assertEqual(result.returncode, FAILURE, result.stderr)
        told = {os.path.basename(one["image"]): one for one in json.loads(result.stdout)["predictions"]}
        for name, (_, text) in bad.items():
            self.assertIn(name, told[name]["error"])
            self.assertIn(text, told[name]["error"])
        self.assertIn("does not exist", told["missing.jpg"]["error"])
        self.assertEqual(len(told["image.png"]["probabilities"]), drawn.CLASSES)
        # The whole process: three float copies of the weights and the activations, nothing of 2.7 GB of pixels.
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 700_000)

    def test_an_index_with_another_number_of_classes_is_refused(self):
        folder = self.folder / "few"
        folder.mkdir()
        for text, saying in ((json.dumps({i: [f"n{i}", "x"] for i in range(10)}), "has 10 classes; ResNet-50 gives 1000"),
                             ("[]", "must be a JSON object"), ("{", "must be a JSON object")):
            (folder / "imagenet_class_index.json").write_text(text)
            result = self.predict_pictures(self.image, environment={"IMAGENET_DIR": str(folder)})
            self.assertEqual(result.returncode, FAILURE)
            self.assertIn(saying, result.stderr)
            self.assertEqual(result.stdout, "")

    def test_the_names_of_today(self):
        self.assert_equals_fixture(self.weights)

    def test_the_names_of_keras_1_whose_branches_come_in_another_order(self):
        weights = self.folder / "old.h5"
        resnet50_h5.write(weights, "old")
        self.addCleanup(weights.unlink)
        self.assert_equals_fixture(weights)

    def summary(self, weights, *extra):
        return subprocess.run([PROGRAM, "summary", "--network", "resnet50", "--weights", str(weights), *extra], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=TIMEOUT_S, check=False)

    def test_where_each_weight_came_from_can_be_listed(self):
        old = self.folder / "listed.h5"
        resnet50_h5.write(old, "old")
        self.addCleanup(old.unlink)
        for file, stage_2c in ((self.weights, "conv2_block1_3_conv"), (old, "res2a_branch2c")):
            result = self.summary(file, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            matched = json.loads(result.stdout)["weights"]["matched"]
            self.assertEqual(len(matched), 320)  # 53 convolutions of 2, 53 normalizations of 4, a dense layer of 2
            of = {f"{one['layer']}/{one['parameter']}": one for one in matched}
            self.assertEqual(of["conv2_block1_3_conv/kernel"]["file_layer"], stage_2c)
            self.assertEqual(of["conv2_block1_3_conv/kernel"]["shape"], [1, 1, 64, 256])
        lines = self.summary(self.weights).stdout.splitlines()
        self.assertEqual(len(lines), 320)
        self.assertRegex(lines[0], r"^conv1_conv/kernel +<- conv1_conv: conv1_conv/kernel:0  \(7, 7, 3, 64\)$")
        self.assertEqual(self.summary(self.weights, "--by-name").returncode, 0)
        by_name = self.summary(old, "--by-name")  # its last layer has another name than the network's
        self.assertEqual(by_name.returncode, FAILURE)
        self.assertIn("lacks 1 of the 107 layers with weights of the network 'resnet50': 'probs'", by_name.stderr)

    def test_a_truncated_file_is_refused(self):
        whole = self.weights.read_bytes()
        cut = self.folder / "cut.h5"
        for length in (0, 4, 95, 2048, len(whole) // 2, len(whole) - 1):
            with self.subTest(length=length):
                cut.write_bytes(whole[:length])
                self.assert_fails_clearly(cut)

    def test_weights_of_another_shape_or_missing_are_refused_by_name(self):
        changed = self.folder / "changed.h5"
        layer, name = "conv3_block2_2_conv", "conv3_block2_2_conv/kernel:0"

        def reshape(group):
            values = group[name][...]
            del group[name]
            group.create_dataset(name, data=values[..., :-1])

        def without(group):
            del group[name]

        def integers(group):
            values = group[name][...].astype("i4")
            del group[name]
            group.create_dataset(name, data=values)

        def not_finite(group):
            group[name][1, 1, 5, 7] = numpy.nan

        for change in (reshape, without, integers, not_finite):
            with self.subTest(change=change.__name__):
                changed.write_bytes(self.weights.read_bytes())
                with h5py.File(changed, "r+") as file:
                    change(file[layer])
                message = self.assert_fails_clearly(changed)
                self.assertIn(layer, message)
                if change is reshape:
                    self.assertIn("(3, 3, 128, 127)", message)
                    self.assertIn("(3, 3, 128, 128)", message)

    def test_flipped_bits_where_they_break_the_file_are_refused(self):
        whole = self.weights.read_bytes()
        with h5py.File(self.weights, "r") as file:
            root = h5py.h5o.get_info(file.id).addr
            group = h5py.h5o.get_info(file["conv1_conv"].id).addr
        positions = [("signature", 0, 0x01), ("superblock's version", 8, 0xFF), ("size of offsets", 13, 0x04),
                     ("address of the root group", 64, 0x10), ("root group's header", root, 0xFF),
                     ("a layer's header", group, 0xFF), ("B-tree", whole.index(b"TREE"), 0x20),
                     ("symbol table", whole.index(b"SNOD"), 0x20), ("local heap", whole.index(b"HEAP"), 0x20),
                     ("a name in layer_names", whole.index(b"conv1_conv\0"), 0x01),
                     ("a name in weight_names", whole.index(b"conv1_conv/kernel:0"), 0x01),
                     ("the attribute's name", whole.index(b"weight_names"), 0x01)]
        for label, file in self.flipped(positions):
            with self.subTest(label):
                self.assert_fails_clearly(file)

    def test_flipped_bits_anywhere_never_crash(self):
        size = self.weights.stat().st_size
        with h5py.File(self.weights, "r") as file:
            data = [file["conv4_block3_2_conv/conv4_block3_2_conv/kernel:0"].id.get_offset() + offset for offset in (0, 1002, 1003)]
            extents = []
            file.visititems(lambda _, item: extents.append((item.id.get_offset(), item.id.get_storage_size()))
                            if isinstance(item, h5py.Dataset) else None)
        draw = random.Random(SEED)
        between, end = [], 0  # what describes the file lies between the weights
        for begin, length in sorted(extents):
            between.extend(range(end, begin))
            end = begin + length
        between.extend(range(end, size))
        positions = [("a weight", position, mask) for position, mask in zip(data, (0x01, 0x80, 0x40))]
        positions += [("the last byte", size - 1, 0xFF)]
        positions += [("between the weights", draw.choice(between), 1 << draw.randrange(8)) for _ in range(RANDOM_FLIPS)]
        for label, file in self.flipped(positions):
            with self.subTest(label):
                self.assert_survives(file)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""The figures that must hold, through the terminal program: acceptance_test.py PROGRAM SOURCE_DIR

They need the complete MNIST (MNIST_DIR), the last one the pen strokes too (STROKES_DIR); without them they are skipped.
The bands are those that the tutorial's run and Keras' semantics give, over several seeds.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""
SOURCE = pathlib.Path()
TIMEOUT_S = 1500
SEEDS = (1, 2, 3, 4, 5)
needs_mnist = unittest.skipUnless(os.environ.get("MNIST_DIR"), "MNIST_DIR is not set")

# (what, epoch from 1, the tutorial's figure, how far a run may be from it)
BANDS = (
    ("loss", 1, 0.5643, 0.02), ("accuracy", 1, 0.8542, 0.01), ("val_loss", 1, 0.2551, 0.02), ("val_accuracy", 1, 0.9310, 0.008),
    ("loss", 10, 0.1325, 0.01), ("accuracy", 10, 0.9618, 0.004), ("val_loss", 10, 0.1064, 0.01), ("val_accuracy", 10, 0.9737, 0.004),
)
TEST_LOSS, TEST_ACCURACY = (0.127, 0.137), (0.957, 0.965)
LEAST_FROM_EMBEDDED = 0.85   # on MNIST's test images, trained on the embedded digits alone
LEAST_SHIPPED = 0.983        # on MNIST's test images
MOST_SHIPPED_BYTES = 300_000


def tell(*arguments):
    result = subprocess.run([PROGRAM, *map(str, arguments), "--json"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


class Acceptance(unittest.TestCase):
    @needs_mnist
    def test_the_tutorials_network_stays_in_all_its_bands_over_five_seeds(self):
        outside, tests = [], []
        for seed in SEEDS:
            run = tell("train", "--network", "mlp", "--epochs", 10, "--validation-split", 0.05, "--seed", seed)
            self.assertFalse(run["data"]["embedded"])
            self.assertEqual(len(run["history"]), 10)
            for what, epoch, expected, tolerance in BANDS:
                got = run["history"][epoch - 1][what]
                if abs(got - expected) > tolerance:
                    outside.append(f"seed {seed}: {what} of epoch {epoch} is {got:.4f}, not {expected} +- {tolerance}")
            for what, (low, high) in (("loss", TEST_LOSS), ("accuracy", TEST_ACCURACY)):
                if not low <= run["test"][what] <= high:
                    outside.append(f"seed {seed}: test {what} is {run['test'][what]:.4f}, not in [{low}, {high}]")
            tests.append(run["test"])
            print(f"  seed {seed}: epoch 1 {run['history'][0]['loss']:.4f} {run['history'][0]['accuracy']:.4f}, epoch 10 "
                  f"{run['history'][9]['loss']:.4f} {run['history'][9]['accuracy']:.4f} "
                  f"{run['history'][9]['val_loss']:.4f} {run['history'][9]['val_accuracy']:.4f}, "
                  f"test {run['test']['loss']:.4f} {run['test']['accuracy']:.4f}")
        print(f"  mean test accuracy {statistics.mean(test['accuracy'] for test in tests):.4f}")
        self.assertEqual(outside, [])

    @needs_mnist
    def test_what_is_learnt_from_the_embedded_digits_alone_reads_mnist(self):
        recipes = (("mlp", "--augment", "--epochs", 10), ("mlp-pad", "--augment", "--cosine", "--epochs", 12))
        accuracies = {}
        with tempfile.TemporaryDirectory(prefix="neurona_acceptance_") as folder:
            model = pathlib.Path(folder, "embedded.safetensors")
            for recipe in recipes:
                tell("train", "--data", "embedded", "--seed", 1, "--out", model, "--network", *recipe)
                accuracies[recipe[0]] = tell("evaluate", model)["accuracy"]
        print(f"  trained on embedded digits, judged on MNIST's test images: {accuracies}")
        for accuracy in accuracies.values():
            self.assertGreater(accuracy, LEAST_FROM_EMBEDDED)

    @needs_mnist
    def test_the_shipped_network_is_as_good_as_its_provenance_says(self):
        model = SOURCE / "assets/models/digits.safetensors"
        accuracy = tell("evaluate", model)["accuracy"]
        noted = tell("summary", model)["metadata"]
        print(f"  shipped network on MNIST's test images: {accuracy:.4f}; on writers kept apart: {noted['held_out_writers_accuracy']}")
        self.assertGreaterEqual(accuracy, LEAST_SHIPPED)
        self.assertLessEqual(model.stat().st_size, MOST_SHIPPED_BYTES)
        # 8-bit kernels are judged here, float kernels were judged when it was trained.
        self.assertLess(abs(accuracy - float(noted["test_accuracy"])), 0.001)
        self.assertIn(noted["command"].split()[0], "neurona")
        self.assertGreaterEqual(float(noted["held_out_writers_accuracy"]), 0.95)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    SOURCE = pathlib.Path(sys.argv.pop(1))
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""The figures that must hold, through the terminal program: acceptance_test.py PROGRAM SOURCE_DIR

They need the complete MNIST (MNIST_DIR); without it they are skipped. The bands, and the long runs, are in runs.py.
"""
import dataclasses
import os
import pathlib
import sys
import tempfile
import unittest

import runs

PROGRAM = ""
SOURCE = pathlib.Path()
needs_mnist = unittest.skipUnless(os.environ.get("MNIST_DIR"), "MNIST_DIR is not set")

LEAST_FROM_EMBEDDED = 0.85   # on MNIST's test images, trained on the embedded digits alone
# File, least accuracy on MNIST's test images, and on pen-drawn digits of writers kept apart.
SHIPPED = (("digits.safetensors", 0.99, 0.97), ("digits-mlp.safetensors", 0.983, 0.95))
MOST_SHIPPED_BYTES = 300_000


def tell(*arguments):
    return runs.tell(PROGRAM, *arguments)


class Acceptance(unittest.TestCase):
    def check(self, name, run=None, rows=None):
        """Trains, and judges each row of the run; rows: those of them that a shorter run can show."""
        results = runs.results_of(PROGRAM, run or runs.RUNS[name])
        outside = []
        for row in runs.ROWS:
            if row.run != name or rows is not None and row.what not in rows:
                continue
            judged = row.judged(results)
            print(f"  {row.what}: " + ", ".join(f"{value:.4f}" for value in judged))
            if not row.holds(results):
                outside.append(f"{row.what}: {judged}, accepted {row.low:.4f} to {row.high:.4f}")
        self.assertEqual(outside, [])

    @needs_mnist
    def test_the_tutorials_first_network_stays_in_all_its_bands_over_five_seeds(self):
        self.check("mlp")

    @needs_mnist
    def test_the_tutorials_second_network_stays_in_its_bands(self):
        for name in ("improved-as-printed", "improved"):
            self.check(name, dataclasses.replace(runs.RUNS[name], seeds=runs.SEEDS[:3]))

    @needs_mnist
    def test_the_tutorials_third_network_learns_at_one_scale_and_fails_at_another(self):
        # One epoch of the nine: the rest is ./run reproduce.
        printed = runs.RUNS["cnn-as-printed"]
        train = printed.train[:printed.train.index("--epochs")] + ("--epochs", "1")
        self.check("cnn-as-printed", dataclasses.replace(printed, train=train), rows=(
            "CNN, divided twice, epoch 1: accuracy", "CNN, then judged on images divided once: accuracy"))

    @needs_mnist
    def test_what_is_learned_from_the_embedded_digits_alone_reads_mnist(self):
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
    def test_the_shipped_networks_are_as_good_as_their_provenance_says(self):
        for name, least, least_held_out in SHIPPED:
            with self.subTest(name):
                model = SOURCE / "assets/models" / name
                accuracy = tell("evaluate", model)["accuracy"]
                noted = tell("summary", model)["metadata"]
                print(f"  {name} on MNIST's test images: {accuracy:.4f}; on writers kept apart: {noted['held_out_writers_accuracy']}")
                self.assertGreaterEqual(accuracy, least)
                self.assertLessEqual(model.stat().st_size, MOST_SHIPPED_BYTES)
                self.assertLess(abs(accuracy - float(noted["test_accuracy"])), 0.001)  # on another processor perhaps
                self.assertIn(noted["command"].split()[0], "neurona")
                self.assertGreaterEqual(float(noted["held_out_writers_accuracy"]), least_held_out)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    SOURCE = pathlib.Path(sys.argv.pop(1))
    unittest.main(verbosity=2)

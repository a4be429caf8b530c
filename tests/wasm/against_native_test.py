#!/usr/bin/env python3
"""The terminal program as WebAssembly, under node, against the native one: against_native_test.py NATIVE WASM.js"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

NATIVE, WASM = "", ""
TIMEOUT_S = 600
BATCHES = 100
# Both round each product and sum differently (fused or not, 4 or 16 lanes), and training amplifies it.
LARGEST_DIFFERENCE = 1e-4  # of a batch's loss, relative


def tell(program, *arguments):
    result = subprocess.run([*program, *map(str, arguments), "--json"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{program} {arguments}: {result.stderr[-2000:]}")
    return json.loads(result.stdout)


class AgainstNative(unittest.TestCase):
    def setUp(self):
        if not pathlib.Path(NATIVE).exists():
            self.skipTest(f"the native program is not built ({NATIVE})")

    def test_the_losses_of_the_first_hundred_batches_agree(self):
        data = os.environ.get("MNIST_DIR") or "embedded"
        for network in ("mlp", "mlp-pad"):
            runs = [tell(program, "train", "--network", network, "--data", data, "--limit", 6400, "--epochs", 1, "--seed", 1,
                         "--batch-losses", BATCHES) for program in ([NATIVE], ["node", WASM])]
            losses = [run["batch_losses"] for run in runs]
            self.assertEqual([len(each) for each in losses], [BATCHES, BATCHES])
            self.assertLess(losses[0][-1], 0.8 * losses[0][0])  # it did learn
            worst = max(abs(a - b) / abs(a) for a, b in zip(*losses))
            print(f"  {network}: largest relative difference of {BATCHES} losses {worst:.1e}")
            self.assertLess(worst, LARGEST_DIFFERENCE)

    def test_a_network_trained_here_predicts_the_same_there(self):
        with tempfile.TemporaryDirectory(prefix="neurona_wasm_") as folder:
            model, image = pathlib.Path(folder, "model.safetensors"), pathlib.Path(folder, "bar.pgm")
            image.write_bytes(b"P5 28 28 255\n" + bytes(255 if 12 <= x < 15 and 4 <= y < 24 else 0 for y in range(28) for x in range(28)))
            tell([NATIVE], "train", "--data", "embedded", "--limit", 2000, "--epochs", 3, "--out", model)
            answers = [tell(program, "predict", model, image)["predictions"][0]["probabilities"] for program in ([NATIVE], ["node", WASM])]
        self.assertEqual(len(answers[0]), 10)
        for a, b in zip(*answers):
            self.assertAlmostEqual(a, b, delta=1e-5)

    def test_the_benchmark_runs_under_node(self):
        told = tell(["node", WASM], "bench", "--only", "training", "--repetitions", 1)
        self.assertGreater(told["training"]["mlp"]["samples_per_second"], 100)
        self.assertIn("backend", told["machine"])


if __name__ == "__main__":
    NATIVE, WASM = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Tests of the terminal program: cli_test.py PROGRAM [arguments of unittest]

Nothing outside of this machine is asked for anything. Tests that need MNIST are skipped unless MNIST_DIR is set.
"""
import base64
import gzip
import hashlib
import json
import math
import os
import pathlib
import resource
import struct
import subprocess
import tempfile
import unittest
import zlib

import support
from support import (FAILURE, FILES, MNIST, SMALL, TIMEOUT_S, USAGE, CliTest, Mirror, dense_model, mnist_gzip, needs_mnist, one, pgm, png, png_of,
                     safetensors)


class Usage(CliTest):
    def test_wrong_usage_ends_with_2_and_says_what_is_wrong(self):
        for arguments, text in [
            ([], "subcommand is required"),
            (["teach"], "there is no command 'teach'"),
            (["train", "--no-such-option"], "--no-such-option"),
            (["train", "--network", "resnet"], "mlp"),
            (["train", "--epochs", "ten"], "--epochs"),
            (["train", "--epochs", "-1"], "--epochs"),
            (["train", "--batch-size", "0"], "--batch-size"),
            (["train", "--limit", "-5"], "--limit"),
            (["train", "--threads", "-1"], "--threads"),
            (["train", "--backend", "tpu"], "--backend"),
            (["train", "--validation-split", "1"], "--validation-split"),
            (["train", "--validation-split", "nan"], "--validation-split"),
            (["train", "--learning-rate", "nan"], "--learning-rate"),
            (["train", "--learning-rate", "-0.1"], "--learning-rate"),
            (["train", "--momentum", "1"], "--momentum"),
            (["train", "--seed", "-1"], "--seed"),
            (["train", "--patience", "2"], "--early-stopping"),
            (["train", "--restore-best-weights"], "--early-stopping"),
            (["train", "--out", ""], "--out"),
            (["train", "--strokes", "missing.jsonl"], "--strokes"),
            (["evaluate"], "model"),
            (["predict", "model.safetensors"], "at least one picture"),
            (["predict", "--network", "resnet50"], "files"),
            (["predict", "--weights", "a.h5", "a.png"], "--network resnet50"),
            (["train", "--optimizer", "newton"], "adamw"),
            (["train", "--schedule", "sine"], "cosine"),
            (["train", "--cosine", "--schedule", "step"], "--schedule"),
            (["train", "--optimizer", "adam", "--momentum", "0.5"], "adam has none"),
            (["train", "--loss", "hinge"], "mean_squared_error"),
            (["summary"], "either a model file or --network"),
            (["summary", "a.safetensors", "--network", "mlp"], "either a model file or --network"),
            (["data"], "subcommand is required"),
            (["bench", "--only", "sleeping"], "--only"),
        ]:
            with self.subTest(arguments=arguments):
                result = self.fail_with(USAGE, *arguments, saying=[text, "neurona --help"])
                self.assertEqual(result.stdout, "")

    def test_help_of_every_command_ends_with_0(self):
        self.assertIn("train", self.succeed("--help").stdout)
        self.assertRegex(self.succeed("--version").stdout, r"^neurona \d+\.\d+\.\d+$")
        for command, option in [("train", "--early-stopping"), ("evaluate", "--limit"), ("predict", "--network"), ("data", "resnet50"),
                                ("summary", "--network"), ("data", "mnist"), ("bench", "--repetitions")]:
            with self.subTest(command=command):
                self.assertIn(option, self.succeed(command, "--help").stdout)

    def test_values_that_the_library_refuses_end_with_1(self):
        self.fail_with(FAILURE, "train", "--data", "embedded", "--limit", "1", "--validation-split", "0.5",
                       saying="leave none to train on")

    @unittest.skipUnless(os.path.exists("/dev/full"), "this system has no /dev/full")
    def test_output_that_cannot_be_written_is_a_failure(self):
        for arguments in (["summary", "--network", "mlp"], ["summary", "--network", "mlp", "--json"]):
            with self.subTest(arguments=arguments), open("/dev/full", "w", encoding="ascii") as full:
                result = self.run_program(*arguments, stdout=full)
                self.assertEqual(result.returncode, FAILURE)
                self.assertIn("could not be written", result.stderr)


class Train(CliTest):
    def test_it_prints_what_keras_prints_and_saves(self):
        out = self.succeed("train", *SMALL, "--epochs", 2, "--out", "a.safetensors").stdout
        self.assertIn("EMBEDDED digits", out)
        self.assertIn("Train on 300 samples\nEpoch 1/2\n300/300 [==============================] - ", out)
        self.assertIn("Epoch 2/2\n", out)
        self.assertRegex(out, r"us/sample - loss: \d\.\d{4} - accuracy: 0\.\d{4}\n|ms/sample - loss: \d\.\d{4}")
        self.assertIn("Saved to a.safetensors.", out)
        self.assertEqual(self.files(), ["a.safetensors"])

    def test_json_has_the_history_and_stands_alone_on_standard_output(self):
        result = self.succeed("train", *SMALL, "--epochs", 3, "--validation-split", 0.1, "--out", "a.safetensors", "--json")
        told = json.loads(result.stdout)
        self.assertIn("Epoch 3/3", result.stderr)
        self.assertEqual(told["network"], "mlp")
        self.assertEqual(told["params"], 79510)
        self.assertEqual(told["data"], {"source": "embedded digits", "embedded": True})
        self.assertEqual([epoch["epoch"] for epoch in told["history"]], [1, 2, 3])
        for epoch in told["history"]:
            self.assertEqual(set(epoch), {"epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"})
        self.assertLess(told["history"][2]["loss"], told["history"][0]["loss"])
        self.assertEqual(told["out"], "a.safetensors")
        self.assertGreater(told["test"]["accuracy"], 0.1)

    def test_the_losses_of_the_first_batches_are_told_when_asked_for(self):
        told = self.succeed_json("train", *SMALL, "--epochs", 1, "--batch-losses", 1000)
        self.assertEqual(len(told["batch_losses"]), 10)
        self.assertAlmostEqual(sum(told["batch_losses"][:9]) * 32 + told["batch_losses"][9] * 12, told["history"][0]["loss"] * 300, places=3)
        self.assertEqual(self.succeed_json("train", *SMALL, "--epochs", 1, "--batch-losses", 4)["batch_losses"], told["batch_losses"][:4])
        self.assertNotIn("batch_losses", self.succeed_json("train", *SMALL, "--epochs", 0))

    def test_the_same_seed_gives_the_same_file_with_any_number_of_threads(self):
        files = {}
        for name, threads, seed in (("one", 1, 7), ("two", 2, 7), ("again", 2, 7), ("other", 1, 8)):
            self.succeed("train", "--data", "embedded", "--limit", 200, "--epochs", 1, "--augment", "--threads", threads,
                         "--seed", seed, "--out", name)
            files[name] = (self.folder / name).read_bytes()
        self.assertEqual(files["one"], files["two"])
        self.assertEqual(files["two"], files["again"])
        self.assertNotEqual(files["one"], files["other"])

    def test_no_epochs_leave_the_initial_weights(self):
        told = self.succeed_json("train", *SMALL, "--epochs", 0, "--out", "a.safetensors")
        self.assertEqual(told["history"], [])
        self.succeed("evaluate", "a.safetensors", *SMALL)

    def test_early_stopping_ends_before_the_last_epoch_and_says_so(self):
        result = self.succeed("train", *SMALL, "--epochs", 50, "--validation-split", 0.2, "--early-stopping",
                              "--learning-rate", 0, "--json")
        self.assertEqual(len(json.loads(result.stdout)["history"]), 2)
        self.assertIn("Early stopping after epoch 2; the best was epoch 1.", result.stderr)

    def test_early_stopping_without_validation_is_warned_of_before_training(self):
        out = self.succeed("train", *SMALL, "--epochs", 2, "--early-stopping").stdout
        self.assertIn("needs --validation-split", out)
        self.assertLess(out.index("needs --validation-split"), out.index("Epoch 1/2"))
        self.assertIn("Epoch 2/2", out)

    def test_int8_files_take_a_quarter_and_judge_almost_the_same(self):
        common = ["train", *SMALL, "--network", "mlp-pad", "--epochs", 3]
        self.succeed(*common, "--out", "full")
        self.succeed(*common, "--int8", "--out", "small")
        self.assertLess((self.folder / "small").stat().st_size, 0.27 * (self.folder / "full").stat().st_size)
        full, small = (self.succeed_json("evaluate", name, *SMALL) for name in ("full", "small"))
        self.assertAlmostEqual(full["accuracy"], small["accuracy"], delta=0.02)

    def test_a_loss_that_becomes_nan_ends_with_1_names_the_batch_and_saves_the_last_good_weights(self):
        result = self.fail_with(FAILURE, "train", *SMALL, "--learning-rate", "1e39", "--out", "a.safetensors", "--json",
                                saying=["Training stopped at epoch 1, batch 2: the loss became nan.",
                                        "A smaller learning_rate is the usual cure.",
                                        "The last weights with a finite loss were saved to a.safetensors."])
        self.assertNotIn("-nan", result.stderr)
        self.assertTrue(math.isfinite(self.succeed_json("evaluate", "a.safetensors", *SMALL)["loss"]))
        self.assertEqual(self.files(), ["a.safetensors"])

    def test_where_the_network_cannot_be_saved_is_told_before_training(self):
        self.write("file", "a file, no folder")
        (self.folder / "taken").mkdir()
        for out, text in [("missing/a.safetensors", "No such file or directory"), ("file/a.safetensors", "Not a directory"),
                          ("taken", "it is a folder")]:
            with self.subTest(out=out):
                result = self.fail_with(FAILURE, "train", *SMALL, "--out", out, saying=["Cannot write", out, text])
                self.assertNotIn("Epoch", result.stdout)
        self.assertEqual(self.files(), ["file"])

    def test_devices_and_links_are_not_replaced(self):
        os.mkfifo(self.folder / "pipe")
        self.fail_with(FAILURE, "train", *SMALL, "--epochs", 1, "--out", "pipe", saying="it is no file")
        self.write("mine.part", "somebody's own")
        (self.folder / "link").symlink_to("mine")
        self.succeed("train", *SMALL, "--epochs", 0, "--out", "link")
        self.assertTrue((self.folder / "link").is_symlink())
        self.assertGreater((self.folder / "mine").stat().st_size, 100000)

    def test_a_failure_leaves_the_file_that_was_there(self):
        out = self.write("a.safetensors", "what was there")
        self.fail_with(FAILURE, "train", "--data", "no/such/folder", "--out", out.name, saying="no/such/folder")
        self.assertEqual(self.files(), ["a.safetensors"])
        self.assertEqual(out.read_text(), "what was there")

    def test_pen_strokes_are_trained_on_and_some_writers_kept_apart(self):
        digits = [{"writer": f"writer {w}", "label": 1, "strokes": [[[0, 0], [w, 50]]]} for w in range(20)]
        self.write("pen.jsonl", "".join(json.dumps(digit) + "\n" for digit in digits))
        result = self.succeed("train", *SMALL, "--epochs", 1, "--strokes", "pen.jsonl", "--stroke-copies", 2, "--json")
        told = json.loads(result.stdout)
        self.assertRegex(result.stderr, r"\d+ pen-drawn images added to the training data, \d+ of other writers kept apart")
        self.assertGreaterEqual(told["held_out_writers"]["accuracy"], 0.0)
        self.succeed("train", *SMALL, "--epochs", 1, "--strokes", self.folder / "pen.jsonl", "--note", "drawn for a test", "--out", "a")
        noted = self.succeed_json("summary", "a")["metadata"]
        self.assertEqual(noted["note"], "drawn for a test")
        self.assertEqual(noted["strokes"], "pen.jsonl, sha256 " + hashlib.sha256((self.folder / "pen.jsonl").read_bytes()).hexdigest())
        self.assertNotIn(str(self.folder), noted["command"])
        self.write("bad.jsonl", json.dumps(digits[0]) + "\n{\"writer\": \"a\", \"label\": 12, \"strokes\": []}\n")
        self.fail_with(FAILURE, "train", *SMALL, "--strokes", "bad.jsonl", saying="line 2: label 12")

    def test_without_mnist_it_goes_on_with_embedded_digits_and_says_so(self):
        result = self.succeed("train", "--limit", 100, "--epochs", 1, "--threads", 1, "--json")
        self.assertTrue(json.loads(result.stdout)["data"]["embedded"])
        self.assertIn("MNIST could not be had: Could not download 'train-images-idx3-ubyte.gz'.", result.stderr)
        self.assertIn("not comparable with MNIST's", result.stderr)

    @needs_mnist
    def test_mnist_trains_to_the_same_bits_with_one_thread_and_two(self):
        files = []
        for threads in (1, 2):
            told = self.succeed_json("train", "--data", MNIST, "--limit", 2000, "--epochs", 4, "--threads", threads,
                                     "--out", f"{threads}.safetensors")
            self.assertFalse(told["data"]["embedded"])
            self.assertGreater(told["test"]["accuracy"], 0.7)
            files.append((self.folder / f"{threads}.safetensors").read_bytes())
        self.assertEqual(files[0], files[1])


class WithModel(CliTest):
    """Tests that need a trained network."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="neurona_cli_")
        cls.addClassCleanup(folder.cleanup)
        cls.model = pathlib.Path(folder.name, "model.safetensors")
        result = subprocess.run(
            [support.PROGRAM, "train", "--data", "embedded", "--limit", "3000", "--epochs", "5", "--network", "mlp-pad", "--augment",
             "--threads", "1", "--out", cls.model, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=True)
        cls.trained = json.loads(result.stdout)


class Evaluate(WithModel):
    def test_it_tells_what_train_told_and_where_the_network_errs(self):
        told = self.succeed_json("evaluate", self.model, "--data", "embedded")
        self.assertEqual(told["accuracy"], self.trained["test"]["accuracy"])
        self.assertEqual(told["loss"], self.trained["test"]["loss"])
        self.assertEqual(told["data"], {"source": "embedded digits", "embedded": True, "samples": 10000})
        self.assertEqual([len(row) for row in told["confusion"]], [10] * 10)
        self.assertEqual([sum(row) for row in told["confusion"]], [1000] * 10)
        hits = sum(told["confusion"][i][i] for i in range(10))
        self.assertAlmostEqual(hits / 10000, told["accuracy"], places=9)
        few = self.succeed_json("evaluate", self.model, "--data", "embedded", "--limit", 500)
        self.assertEqual((few["data"]["samples"], sum(map(sum, few["confusion"]))), (500, 500))
        self.assertIn("label \\ predicted", self.succeed("evaluate", self.model, *SMALL).stdout)

    def test_every_backend_judges_alike(self):
        cpu, reference = (self.succeed_json("evaluate", self.model, *SMALL, "--backend", name) for name in ("cpu", "reference"))
        self.assertEqual(cpu["confusion"], reference["confusion"])
        self.assertAlmostEqual(cpu["loss"], reference["loss"], places=5)

    def test_files_that_are_no_network_end_with_1_and_say_what_they_are(self):
        good = self.model.read_bytes()
        nan = dense_model([28, 28], 10, float("nan"))
        foreign = safetensors(([28, 28], []), [("a", [1], [1.0])], architecture=False)
        cases = {
            "missing.safetensors": (None, "No such file"),
            "empty.safetensors": (b"", "0 bytes; a safetensors file has at least 8"),
            "text.safetensors": (b"these are no weights, but a text", "is not a safetensors file"),
            "cut.safetensors": (good[:-1000], "cut short"),
            "header.safetensors": (good[:100], "cut short"),
            "foreign.safetensors": (foreign, "this program did not write it"),
            "nan.safetensors": (nan, "not finite"),
            "longer.safetensors": (good + b"and more", "8 bytes behind its last tensor"),
            "json.safetensors": (struct.pack("<Q", 4) + b"nope", "not a JSON object"),
        }
        for name, (content, text) in cases.items():
            with self.subTest(name=name):
                if content is not None:
                    self.write(name, content)
                for arguments in (["evaluate", name, *SMALL], ["summary", name]):
                    self.fail_with(FAILURE, *arguments, "--json", saying=[name, text])
        self.fail_with(FAILURE, "evaluate", ".", *SMALL, saying="it is a folder")

    def test_networks_for_other_data_end_with_1_and_say_both_shapes(self):
        self.write("small.safetensors", dense_model([10, 10], 10))
        self.write("five.safetensors", dense_model([28, 28], 5))
        self.fail_with(FAILURE, "evaluate", "small.safetensors", *SMALL, saying=["(28, 28)", "(10, 10)"])
        self.fail_with(FAILURE, "evaluate", "five.safetensors", *SMALL, saying=["label 5", "5 classes"])
        self.write("one.png", png(one(28)))
        self.fail_with(FAILURE, "predict", "small.safetensors", "one.png", saying=["(28, 28)", "(10, 10)"])


class Predict(WithModel):
    def predict(self, *images):
        return self.succeed_json("predict", self.model, *images)["predictions"]

    def test_a_drawn_1_is_recognized_in_any_size_format_and_polarity(self):
        images = {"dark.png": png(one(200)), "light.png": png(one(200, 0, 255)), "dark.pgm": pgm(one(97)), "small.png": png(one(40)),
                  "faint.png": png(one(150, 180, 120))}
        for name, content in images.items():
            self.write(name, content)
        told = self.predict(*images)
        self.assertEqual([one_of["image"] for one_of in told], list(images))
        for one_of in told:
            with self.subTest(image=one_of["image"]):
                self.assertEqual(one_of["label"], 1)
                self.assertEqual(len(one_of["probabilities"]), 10)
                self.assertAlmostEqual(sum(one_of["probabilities"]), 1.0, places=5)
                self.assertEqual(max(one_of["probabilities"]), one_of["probabilities"][1])

    def test_an_image_of_28x28_is_prepared_unless_it_is_to_be_taken_as_it_is(self):
        rows = one(28, 0, 255)
        self.write("mnist.pgm", pgm(rows))
        self.write("shifted.pgm", pgm([[0] * 28] * 4 + rows[:-4]))
        self.write("dark.pgm", pgm(one(28)))
        plain, shifted = (p["probabilities"] for p in self.predict("mnist.pgm", "shifted.pgm"))
        self.assertEqual(plain, shifted)
        plain, shifted, dark = (p["probabilities"] for p in self.predict("mnist.pgm", "shifted.pgm", "dark.pgm", "--as-is"))
        self.assertNotEqual(plain, shifted)
        self.assertNotEqual(plain, dark)
        self.write("large.pgm", pgm(one(29)))
        self.fail_with(FAILURE, "predict", self.model, "large.pgm", "--as-is", saying=["large.pgm", "29x29", "--as-is takes 28x28"])

    def test_what_was_found_can_be_looked_at(self):
        rows = [row + [255] * 40 for row in one(100)]
        self.write("one.png", png(rows))
        self.write("two.png", png(one(60)))
        (self.folder / "seen").mkdir()
        told = self.predict("one.png", "two.png", "--show-in", "seen")
        self.assertEqual(told[0]["shown"], ["seen/one.png.28x28.png", "seen/one.png.box.png"])
        left, top, right, bottom = told[0]["box"]
        self.assertTrue(30 < left < 45 and 12 < top < 18 and 55 < right < 68 and 82 < bottom < 88, told[0]["box"])
        seen = self.folder / "seen"
        self.assertEqual(struct.unpack(">II", (seen / "one.png.28x28.png").read_bytes()[16:24]), (28, 28))
        self.assertEqual(struct.unpack(">II", (seen / "one.png.box.png").read_bytes()[16:24]), (140, 100))
        # What is shown is what the network saw.
        again = self.predict("seen/one.png.28x28.png", "--as-is")[0]
        self.assertEqual(again["probabilities"], told[0]["probabilities"])
        self.succeed("predict", self.model, "two.png", "--show")
        self.assertTrue((self.folder / "two.png.box.png").exists())
        self.fail_with(USAGE, "predict", self.model, "two.png", "--show-in", "nowhere", saying="--show-in")
        self.write("number.png", png([row + other for row, other in zip(one(100), one(100))]))
        self.assertIn("(the largest of 2 shapes that look like digits)", self.succeed("predict", self.model, "number.png").stdout)
        self.assertNotIn("shapes", self.succeed("predict", self.model, "one.png").stdout)

    def test_other_formats_and_transparent_ink_are_read(self):
        webp = "UklGRkAAAABXRUJQVlA4TDMAAAAvO8AOAIXitpGU6b/pxR8dnyL6r7ZtA6Qw0SG0AYhYAIH2LAsKRcvJH+GViEJNRKAVJAEA"
        tiff = ("SUkqADQAAAAmoFn//IaQ/D0D/r9f61/r9f61/r9f61/r9f61/r9f61/r9fwaw+P/8AEAEAkAAAEDAAEAAAA8AAAAAQEDAAEAAAA8AAAAAgEDAAEAAAABAAAAAwED"
                "AAEAAAAEAAAABgEDAAEAAAABAAAAEQEEAAEAAAAIAAAAFgEDAAEAAAA8AAAAFwEEAAEAAAAsAAAAHAEDAAEAAAABAAAAAAAAAA==")
        rows = one(60)
        rgba = lambda ink, alpha: b"".join(b"\0" + bytes(v for value in row for v in (ink, ink, ink, alpha if value == 0 else 0)) for row in rows)
        files = {"a.webp": base64.b64decode(webp), "a.tif": base64.b64decode(tiff),
                 "a.pgm": ("P2 60 60 255 " + " ".join(str(value) for row in rows for value in row)).encode(),
                 "a.pbm": ("P1 60 60 " + "".join("0" if value else "1" for row in rows for value in row)).encode(),
                 "deep.pgm": b"P5 60 60 65535\n" + b"".join(struct.pack(">H", value * 257) for row in rows for value in row),
                 "white_ink.png": png_of(60, 60, 6, rgba(255, 255)), "black_ink.png": png_of(60, 60, 6, rgba(0, 255)), "half.png": png_of(60, 60, 6, rgba(30, 140))}
        for name, content in files.items():
            self.write(name, content)
        self.assertEqual([(one_of["image"], one_of.get("label")) for one_of in self.predict(*files)], [(name, 1) for name in files])
        for name in ("a.webp", "a.tif"):  # cut at every place: an error, or what was there; never a crash
            for length in range(1, len(files[name]) - 1, 7):
                self.write("cut", files[name][:length])
                self.assertIn(self.run_program("predict", self.model, "cut").returncode, (0, FAILURE))
            self.write("cut", files[name][:len(files[name]) // 2])
            self.fail_with(FAILURE, "predict", self.model, "cut", saying="cut")

    def test_a_hundred_megapixels_take_bounded_memory(self):
        side = 10000
        row = b"\0" + bytes([250]) * side
        bar = b"\0" + bytes(40 if 4700 < x < 5300 else 250 for x in range(side))
        compress = zlib.compressobj(1)
        data = b"".join(compress.compress(bar if 1500 < y < 8500 else row) for y in range(side)) + compress.flush()
        self.write("large.png", png_of(side, side, 0, None, data))
        told = self.predict("large.png")[0]
        self.assertEqual(told["label"], 1)
        left, top, right, bottom = told["box"]
        self.assertTrue(abs(left - 4700) < 30 and abs(right - 5300) < 30 and abs(top - 1500) < 30 and abs(bottom - 8500) < 30, told["box"])
        # The largest process that was waited for. 100 million pixels as red, green and blue are 300 MB; they are there twice for a moment.
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 1_000_000)
        self.write("larger.png", png_of(side + 1, side, 0, None, b""))
        self.fail_with(FAILURE, "predict", self.model, "larger.png", saying=["10001x10000", "up to 100 million pixels"])

    def test_a_network_of_images_divided_twice_sees_pictures_divided_twice(self):
        self.succeed("train", *SMALL, "--epochs", 1, "--as-printed", "--out", "twice.safetensors")
        self.write("one.png", png(one(60)))
        result = self.succeed("predict", "twice.safetensors", "one.png", "--json")
        self.assertIn("trained on images divided by 255 twice", result.stderr)
        told = json.loads(result.stdout)["predictions"][0]["probabilities"]
        self.assertNotIn("twice", self.succeed("predict", self.model, "one.png").stdout)
        # Of inputs near 0 a fresh network says about the same of all digits.
        self.assertLess(max(told), 0.3)

    def test_the_line_for_people_names_the_three_likeliest(self):
        self.write("one.png", png(one(100)))
        out = self.succeed("predict", self.model, "one.png").stdout
        self.assertRegex(out, r"^one\.png:  1 \d+\.\d\d%  \d \d+\.\d\d%  \d \d+\.\d\d%\n$")

    def test_pictures_that_cannot_be_used_end_with_1_and_say_why(self):
        good = png(one(100))
        for name, content, text in [
            ("missing.png", None, "does not exist"),
            ("empty.png", b"", "no image that can be read"),
            ("text.png", b"hello", "no image that can be read"),
            ("cut.png", good[:60], "is cut short"),
            ("blank.png", png([[255] * 40] * 40), "shows no digit"),
            ("dot.png", png([[7]]), "shows no digit"),
            ("huge.png", png([[0]], (20000, 20000)), "20000x20000"),
            ("claims.pgm", b"P5 20000 20000 255\n", "20000x20000"),
            ("lines.png", png([[120] * 200 if y % 20 == 7 else [250] * 200 for y in range(200)]), "shows no digit"),
            ("noise.png", png([[200 + (x * 7919 + y * 104729) % 23 for x in range(150)] for y in range(150)]), "shows no digit"),
        ]:
            with self.subTest(name=name):
                if content is not None:
                    self.write(name, content)
                self.fail_with(FAILURE, "predict", self.model, name, saying=[name, text])
        self.fail_with(FAILURE, "predict", self.model, ".", saying="it is a folder")

    def test_a_picture_that_cannot_be_used_does_not_stop_the_others(self):
        self.write("one.png", png(one(100)))
        self.write("caf\udce9.txt", "no picture")
        result = self.run_program("predict", self.model, "missing.png", "one.png", "caf\udce9.txt", "--json")
        self.assertEqual(result.returncode, FAILURE)
        self.assertIn("does not exist", result.stderr)
        missing, good, text = json.loads(result.stdout)["predictions"]
        self.assertIn("does not exist", missing["error"])
        self.assertEqual((good["label"], "error" in good), (1, False))
        self.assertIn("no image that can be read", text["error"])

    def test_faint_and_blank_images_of_28x28_are_told_from_digits(self):
        self.write("faint.pgm", pgm(one(28, 200, 150)))
        self.assertEqual(self.predict("faint.pgm")[0]["label"], 1)
        self.write("blank.pgm", pgm([[77] * 28] * 28))
        self.fail_with(FAILURE, "predict", self.model, "blank.pgm", saying="shows no digit")


class Summary(WithModel):
    def test_the_table_of_a_network_is_keras_table(self):
        out = self.succeed("summary", "--network", "mlp").stdout
        self.assertIn('Model: "', out)
        self.assertIn("Total params: 79,510", out)
        self.assertIn("Trainable params: 79,510", out)

    def test_costs_by_layer_add_up(self):
        told = self.succeed_json("summary", "--network", "cnn")
        self.assertEqual(told["params"], 2229614)
        self.assertEqual(told["trainable_params"], 2229614 - 22232)
        convolution = told["layers"][0]
        # 3x3 products for each of 64 filters at each of 26x26 places.
        self.assertEqual(convolution["multiply_adds"], 26 * 26 * 64 * 9)
        self.assertEqual(convolution["output_bytes"], 26 * 26 * 64 * 4)
        self.assertEqual(told["multiply_adds"], sum(layer["multiply_adds"] for layer in told["layers"]))
        self.assertEqual(told["multiply_adds"], 26 * 26 * 64 * 9 + 10816 * 200 + 200 * 100 + 100 * 10)
        table = self.succeed("summary", "--network", "cnn", "--costs").stdout
        self.assertRegex(table, r"conv2d \(Conv2D\) +640 +389376 +2\.6 +173\.1\n")
        self.assertRegex(table, rf"One sample +2229614 +{told['multiply_adds']} ")

    def test_resnet50_is_the_tutorials_table(self):
        expected = (pathlib.Path(__file__).resolve().parents[1] / "golden/fixtures/resnet50_summary.txt").read_text()
        self.assertEqual(self.succeed("summary", "--network", "resnet50").stdout, expected)

    def test_json_of_a_file_has_layers_and_where_it_came_from(self):
        told = self.succeed_json("summary", self.model)
        self.assertEqual([layer["type"] for layer in told["layers"]], ["Flatten", "Dense", "Dense", "Dense"])
        self.assertEqual(told["params"], sum(layer["params"] for layer in told["layers"]))
        self.assertEqual(told["metadata"]["data"], "embedded digits")
        self.assertEqual(told["metadata"]["seed"], "0")
        self.assertEqual(told["metadata"]["command"],
                         "neurona train --data embedded --limit 3000 --epochs 5 --network mlp-pad --augment")


class Data(CliTest):
    def test_a_folder_that_lacks_the_files_ends_with_1_and_names_the_first(self):
        for arguments in (["--folder", "."], ["--folder", "missing"]):
            self.fail_with(FAILURE, "data", "mnist", *arguments, "--json", saying=["'train-images-idx3-ubyte' (or with .gz) is not in"])
        self.environment["MNIST_DIR"] = str(self.folder)
        self.fail_with(FAILURE, "data", "mnist", saying="is not in")

    def test_a_mirror_that_is_not_there_ends_with_1_and_offers_nothing_else(self):
        result = self.fail_with(FAILURE, "data", "mnist", "--json", saying=[
            "Could not download 'train-images-idx3-ubyte.gz'.", self.environment["NEURONA_MNIST_MIRROR"], "Check the connection"])
        self.assertNotIn("embedded", result.stderr)
        self.assertEqual(self.files(), [])

    def test_a_mirror_with_something_else_ends_with_1_and_leaves_nothing(self):
        web_page = b"<html>please log in</html>"
        other = gzip.compress(struct.pack(">IIII", 0x803, 1, 28, 28) + bytes(784))
        for body, text in [(web_page, "it is a web page (HTML)"), (other, "SHA-256"), (other[:-10], "cut short"), (b"", "sent nothing"), (None, "404")]:
            with self.subTest(text=text), Mirror(lambda path, body=body: body) as mirror:
                self.environment["NEURONA_MNIST_MIRROR"] = mirror.url
                self.fail_with(FAILURE, "data", "mnist", saying=[mirror.url + FILES[0] + ".gz", text])
                self.assertEqual(self.files(), [])

    @needs_mnist
    def test_a_folder_with_mnist_is_verified(self):
        told = self.succeed_json("data", "mnist", "--folder", MNIST)
        self.assertEqual(told, {"folder": os.path.abspath(MNIST), "train": 60000, "test": 10000, "verified": True})
        self.environment["MNIST_DIR"] = MNIST
        self.assertIn("60000 training and 10000 test images of 28x28", self.succeed("data", "mnist").stdout)

    def test_a_folder_may_be_called_as_it_likes(self):
        for name in ("embedded", "mnist"):
            (self.folder / name).mkdir()
            self.fail_with(FAILURE, "data", "mnist", "--folder", name, "--json", saying="is not in '" + name + "'")

    def test_resnet50_without_a_mirror_ends_with_1_and_leaves_nothing(self):
        self.fail_with(FAILURE, "data", "resnet50", "--json", saying=[
            "Could not download 'imagenet_class_index.json'.", self.environment["NEURONA_RESNET50_MIRROR"], "Check the connection"])
        self.assertEqual(self.files(), [])
        self.fail_with(FAILURE, "predict", "--network", "resnet50", self.write("a.png", png(one(40))), saying=[
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5", "neurona data resnet50", "--weights"])

    def test_another_file_in_place_of_resnet50s_is_refused(self):
        for body, text in [(b"<html>please log in</html>", "it has 26 bytes, the published file has 35363"), (bytes(35363), "its SHA-256 is"),
                           (bytes(40000), "35363"), (None, "404")]:
            with self.subTest(text=text), Mirror(lambda path, body=body: body) as mirror:
                self.environment["NEURONA_RESNET50_MIRROR"] = mirror.url
                self.fail_with(FAILURE, "data", "resnet50", saying=[mirror.url + "imagenet_class_index.json", text])
                self.assertEqual(self.files(), [])
        (self.folder / "own").mkdir()
        self.fail_with(FAILURE, "data", "resnet50", "--folder", "own", saying="'imagenet_class_index.json' is not in 'own'")
        self.write("own/imagenet_class_index.json", "{}")
        self.fail_with(FAILURE, "data", "resnet50", "--folder", "own", saying="is damaged or another file")

    @unittest.skipUnless(os.environ.get("IMAGENET_DIR"), "IMAGENET_DIR is not set")
    def test_the_index_of_classes_is_downloaded_verified_and_resumed(self):
        index = pathlib.Path(os.environ["IMAGENET_DIR"], "imagenet_class_index.json").read_bytes()
        name = "/imagenet_class_index.json"
        with Mirror({name: index}.get, cut=lambda path, nth: 1000 if nth == 0 else None) as mirror:
            self.environment["NEURONA_RESNET50_MIRROR"] = mirror.url
            # The weights are not there.
            self.fail_with(FAILURE, "data", "resnet50", saying="resnet50_weights_tf_dim_ordering_tf_kernels.h5")
            self.assertEqual([request for request in mirror.requests if request[0] == name], [(name, None), (name, 1000)])
            self.assertEqual((self.folder / "cache/imagenet/imagenet_class_index.json").read_bytes(), index)
            self.fail_with(FAILURE, "data", "resnet50", saying="resnet50_weights_tf_dim_ordering_tf_kernels.h5")
            self.assertEqual(sum(request[0] == name for request in mirror.requests), 2)  # found again

    @needs_mnist
    def test_one_wrong_byte_in_a_folder_is_found(self):
        for name in FILES:
            plain = bytearray(gzip.decompress(mnist_gzip(name)))
            if name == FILES[3]:
                plain[-1] ^= 1
            self.write(name, bytes(plain))
        self.fail_with(FAILURE, "data", "mnist", "--folder", ".", saying=["t10k-labels-idx1-ubyte", "SHA-256"])

    def serve(self, **options):
        bodies = {f"/{name}.gz": mnist_gzip(name) for name in FILES}
        mirror = Mirror(bodies.get, **options)
        self.environment["NEURONA_MNIST_MIRROR"] = mirror.url
        return mirror

    @needs_mnist
    def test_mnist_is_downloaded_verified_and_found_again(self):
        with self.serve() as mirror:
            told = self.succeed_json("data", "mnist")
            self.assertEqual(told["folder"], str(self.folder / "cache" / "mnist"))
            self.assertEqual(len(mirror.requests), 4)
            self.assertEqual(self.files(), sorted(f"cache/mnist/{name}.gz" for name in FILES))
            self.succeed("data", "mnist")
            self.assertEqual(len(mirror.requests), 4)

    @needs_mnist
    def test_a_cut_download_is_resumed_within_a_run(self):
        with self.serve(cut=lambda path, nth: 1000 if nth == 0 else None) as mirror:
            self.succeed("data", "mnist")
            self.assertEqual(mirror.requests[:2], [(f"/{FILES[0]}.gz", None), (f"/{FILES[0]}.gz", 1000)])

    @needs_mnist
    def test_a_cut_download_is_resumed_by_the_next_run(self):
        with self.serve(cut=lambda path, nth: 5000):
            self.fail_with(FAILURE, "data", "mnist", saying="it goes on where it stopped")
            self.assertEqual(self.files(), [f"cache/mnist/{FILES[0]}.gz.part"])
        with self.serve() as mirror:
            self.succeed("data", "mnist")
            self.assertEqual(mirror.requests[0], (f"/{FILES[0]}.gz", 15000))  # three tries of 5000 bytes

    @needs_mnist
    def test_a_damaged_file_in_the_cache_is_downloaded_again(self):
        with self.serve() as mirror:
            self.succeed("data", "mnist")
            damaged = self.folder / "cache" / "mnist" / (FILES[2] + ".gz")
            damaged.write_bytes(damaged.read_bytes()[:-100])
            self.succeed("data", "mnist")
            self.assertEqual(mirror.requests[4:], [(f"/{FILES[2]}.gz", None)])


class Bench(CliTest):
    def test_json_has_the_machine_and_samples_per_second(self):
        told = self.succeed_json("bench", "--only", "training", "--repetitions", 1, "--threads", 1)
        self.assertEqual(set(told), {"machine", "training"})
        self.assertEqual(told["machine"]["threads"], 1)
        self.assertGreater(told["training"]["mlp"]["samples_per_second"], 0)


if __name__ == "__main__":
    support.main(__doc__)

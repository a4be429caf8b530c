#!/usr/bin/env python3
"""Nothing is lost, nothing is mixed up: robustness_test.py PROGRAM [arguments of unittest]

Signals, full disks, two runs at once, other data than MNIST, files that are no model, terminals of any width.
"""
import fcntl
import gzip
import json
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
import unittest

import support
from support import FAILURE, FILES, MNIST, SMALL, USAGE, CliTest, Mirror, closed_port, dense_model, mnist_gzip, needs_mnist, one, png

ENDLESS = ["train", "--data", "embedded", "--limit", "600", "--threads", "1", "--epochs", "1000000"]
NOBODY = 65534  # the user without rights
DEADLINE_S = 120  # of a program that hangs; no test passes or fails by it otherwise


def images(count, side=28, seed=0):
    return bytes((i * 7 + seed) % 256 for i in range(count * side * side))


def idx_images(count, side=28, seed=0):
    return struct.pack(">IIII", 0x803, count, side, side) + images(count, side, seed)


def idx_labels(labels):
    return struct.pack(">II", 0x801, len(labels)) + bytes(labels)


class Interrupts(CliTest):
    def start(self, *arguments, **options):
        # As a shell's child in the foreground: Ctrl-C is not ignored.
        return subprocess.Popen([support.PROGRAM, *map(str, arguments)], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
                                **options)

    def wait_for(self, process, text):
        for line in process.stdout:
            if text in line:
                return
        self.fail(f"{text!r} never came: {process.stderr.read()}")

    def test_the_first_signal_ends_a_training_after_the_batch_at_hand_and_saves(self):
        for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")):
            with self.subTest(name=name), self.start(*ENDLESS, "--out", "a.safetensors") as process:
                self.wait_for(process, "Epoch 3/")
                process.send_signal(number)
                out, err = process.communicate(timeout=DEADLINE_S)
                self.assertEqual(process.returncode, 128 + number, err)
                self.assertIn("Saved to a.safetensors.", out)
                self.assertRegex(err, rf"neurona: {name} ended the run after batch \d+ of 19 of epoch \d+ of 1000000\.")
                metadata = self.succeed_json("summary", "a.safetensors")["metadata"]
                self.assertRegex(metadata["interrupted"], rf"{name} after batch \d+ of 19 of epoch \d+ of 1000000")
                self.assertNotIn("test_accuracy", metadata)
                self.assertGreater(self.succeed_json("evaluate", "a.safetensors", *SMALL)["accuracy"], 0.15)
                self.assertEqual(self.files(), ["a.safetensors"])

    def test_the_json_of_an_interrupted_run_has_what_was_done(self):
        with self.start(*ENDLESS, "--json", "--log", "log.csv") as process:
            while not (self.folder / "log.csv").exists() or len((self.folder / "log.csv").read_text().splitlines()) < 3:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=DEADLINE_S)
        told = json.loads(out)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertEqual(told["interrupted"]["by"], "SIGTERM")
        self.assertGreaterEqual(len(told["history"]), 2)
        self.assertNotIn("test", told)
        self.assertIn("Nothing was saved: there was no --out.", err)

    def test_a_signal_in_the_validation_or_the_judgment_saves_too(self):
        with self.start("train", "--data", "embedded", "--limit", 40, "--threads", 1, "--backend", "reference", "--epochs", 1, "--validate-on-test",
                        "--out", "a.safetensors") as process:  # the 10,000 test images take the plain loops a while
            self.wait_for(process, "Epoch 1/")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 128 + signal.SIGINT, err)
            self.assertRegex(err, r"Ctrl-C ended the run (after batch|in the validation of epoch 1|while the network)")
        self.assertEqual(self.files(), ["a.safetensors"])

    def test_a_second_signal_ends_it_at_once_and_leaves_what_was_there(self):
        out = self.write("a.safetensors", "what was there")
        # A pipe that nobody empties holds the program in its output, so that it cannot come to the saving.
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        with self.start(*ENDLESS, "--out", out.name, stdout=write) as process:
            os.close(write)
            while not select.select([read], [], [], 0)[0]:
                time.sleep(0.01)
            pending, last = b"", -1
            while last != fcntl.ioctl(read, termios.FIONREAD, pending.ljust(4, b"\0")):  # until it is full
                last = fcntl.ioctl(read, termios.FIONREAD, pending.ljust(4, b"\0"))
                time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(DEADLINE_S), -signal.SIGINT)
        os.close(read)
        self.assertEqual(self.files(), ["a.safetensors"])
        self.assertEqual(out.read_text(), "what was there")

    def test_what_is_no_training_ends_at_the_first_signal(self):
        self.succeed("train", *SMALL, "--network", "lenet", "--epochs", 0, "--out", "a.safetensors")
        with self.start("evaluate", "a.safetensors", "--data", "embedded", "--backend", "reference") as process:  # takes minutes
            self.wait_for(process, "EMBEDDED")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, -signal.SIGTERM)

    def test_a_reader_that_goes_away_does_not_lose_the_training(self):
        with self.start("train", *SMALL, "--epochs", 60, "--out", "a.safetensors") as process:
            self.wait_for(process, "Epoch 1/")
            process.stdout.close()  # "| head"
            process.wait(DEADLINE_S)
            self.assertIn("could not be written", process.stderr.read())
        self.assertEqual(self.succeed_json("summary", "a.safetensors")["metadata"]["network"], "mlp")

    def test_a_program_that_was_started_to_ignore_hangups_goes_on(self):
        process = subprocess.Popen([support.PROGRAM, "train", *SMALL, "--epochs", "40", "--out", "a.safetensors"], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        with process:
            self.wait_for(process, "Epoch 2/")
            process.send_signal(signal.SIGHUP)
            out, _ = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0)
        self.assertIn("Epoch 40/40", out)


class NothingIsLost(CliTest):
    def assert_good(self, path):
        self.assertEqual(self.succeed_json("summary", path)["metadata"]["network"], "mlp")

    @unittest.skipUnless(os.path.exists("/dev/full"), "this system has no /dev/full")
    def test_a_log_that_cannot_be_written_ends_the_run_with_the_weights_saved(self):
        self.fail_with(FAILURE, "train", *SMALL, "--epochs", 3, "--log", "/dev/full", "--out", "a.safetensors", "--json",
                       saying=["Saved to a.safetensors.", "neurona: --log: ", "/dev/full", "No space left on device"])
        self.assert_good("a.safetensors")
        self.assertIn("--log", self.succeed_json("summary", "a.safetensors")["metadata"]["failed"])

    def test_a_log_whose_folder_goes_away_ends_the_run_with_the_weights_saved(self):
        (self.folder / "logs").mkdir()
        with subprocess.Popen([support.PROGRAM, *ENDLESS, "--log", "logs/a.csv", "--out", "a.safetensors"], cwd=self.folder, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("Epoch 2/"):
                    break
            shutil.rmtree(self.folder / "logs", ignore_errors=True)
            out, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, FAILURE, err)
        self.assertIn("--log: ", err)
        self.assertIn("Saved to a.safetensors.", out)
        self.assert_good("a.safetensors")

    def test_a_network_that_cannot_be_saved_where_it_should_is_saved_elsewhere(self):
        (self.folder / "gone").mkdir()
        (self.folder / "temporary").mkdir()
        self.environment["TMPDIR"] = str(self.folder / "temporary")
        with subprocess.Popen([support.PROGRAM, *ENDLESS, "--out", "gone/a.safetensors"], cwd=self.folder, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("Epoch 2/"):
                    break
            (self.folder / "gone").rmdir()
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, FAILURE)
        self.assertIn("gone/a.safetensors", err)
        place = re.search(r"The network is not lost: it was saved to (\S+)\.\n", err)
        self.assertTrue(place, err)
        self.assert_good(place[1])

    def test_two_runs_at_once_with_the_same_out_leave_one_whole_file(self):
        command = [support.PROGRAM, "train", *SMALL, "--epochs", "0", "--out", "a.safetensors"]
        for _ in range(5):
            runs = [subprocess.Popen([*command, "--seed", str(seed)], cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL) for seed in range(4)]
            self.assertEqual([run.wait(DEADLINE_S) for run in runs], [0] * 4)
            self.assertEqual(self.files(), ["a.safetensors"])
            self.assertIn(self.succeed_json("summary", "a.safetensors")["metadata"]["seed"], "0123")

    def test_the_file_that_is_replaced_gives_its_permissions_and_links_are_followed_to_their_end(self):
        for mode in (0o600, 0o640, 0o664):
            out = self.write("a.safetensors", "old")
            out.chmod(mode)
            self.succeed("train", *SMALL, "--epochs", 0, "--out", out.name)
            self.assertEqual(out.stat().st_mode & 0o7777, mode)
        (self.folder / "elsewhere").mkdir()
        (self.folder / "second").symlink_to("elsewhere/real.safetensors")
        (self.folder / "first").symlink_to(self.folder / "second")
        self.succeed("train", *SMALL, "--epochs", 0, "--out", "first")
        self.assertTrue((self.folder / "first").is_symlink() and (self.folder / "second").is_symlink())
        self.assertGreater((self.folder / "elsewhere/real.safetensors").stat().st_size, 100000)
        (self.folder / "round").symlink_to("about")
        (self.folder / "about").symlink_to("round")
        self.fail_with(FAILURE, "train", *SMALL, "--epochs", 0, "--out", "round", saying=["--out", "circle"])

    def test_read_only_files_are_refused_before_training(self):
        out = self.write("a.safetensors", "mine")
        out.chmod(0o444)
        (self.folder / "link").symlink_to(out.name)
        for name in ("a.safetensors", "link"):
            result = self.fail_with(FAILURE, "train", *SMALL, "--out", name, saying=["--out", name, "read-only"])
            self.assertNotIn("Epoch", result.stdout)
        self.assertEqual(out.read_text(), "mine")

    def test_names_of_other_formats_are_refused_with_the_right_one(self):
        for name in ("mlp.h5", "mlp.KERAS", "mlp.onnx", "mlp.pt", "mlp.json", "mlp.png", "train-images-idx3-ubyte"):
            self.fail_with(FAILURE, "train", *SMALL, "--out", name, saying=["--out", name, "saved as safetensors", ".safetensors"])
        self.assertEqual(self.files(), [])

    def test_one_file_for_two_things_is_refused(self):
        self.write("pen.safetensors", "{}")
        (self.folder / "link").symlink_to("a.safetensors")
        for arguments in (["--out", "a.safetensors", "--log", "a.safetensors"], ["--out", "a.safetensors", "--log", "./link"],
                          ["--out", "pen.safetensors", "--strokes", "pen.safetensors"],
                          ["--log", self.folder / "pen.safetensors", "--strokes", "pen.safetensors"]):
            self.fail_with(USAGE, "train", *SMALL, *arguments, saying="is the same file as that of")

    def test_the_log_may_be_standard_output_a_pipe_or_a_device(self):
        out = self.succeed("train", *SMALL, "--epochs", 2, "--log", "/dev/stdout").stdout
        self.assertRegex(out, r"\nepoch,accuracy,loss\n0,0\.\d+,\d+\.\d+\n")
        self.assertRegex(out, r"\n1,0\.\d+,\d+\.\d+\n")
        with open(self.folder / "all.txt", "w", encoding="utf-8") as file:  # a file: nothing of what stands there is overwritten
            self.assertEqual(self.run_program("train", *SMALL, "--epochs", 2, "--log", "/dev/stdout", stdout=file).returncode, 0)
        text = (self.folder / "all.txt").read_text()
        for part in ("EMBEDDED", "Train on 300 samples", "Epoch 1/2", "epoch,accuracy,loss\n0,", "Epoch 2/2", "\n1,"):
            self.assertIn(part, text)
        self.fail_with(USAGE, "train", *SMALL, "--log", "/dev/stdout", "--json", saying=["--log", "belongs to the JSON"])
        os.mkfifo(self.folder / "pipe")
        with subprocess.Popen(["cat", "pipe"], cwd=self.folder, stdout=subprocess.PIPE, text=True) as reader:
            self.succeed("train", *SMALL, "--epochs", 3, "--log", "pipe")
            self.assertEqual([line.split(",")[0] for line in reader.communicate(timeout=DEADLINE_S)[0].splitlines()], ["epoch", "0", "1", "2"])
        self.fail_with(FAILURE, "train", *SMALL, "--log", "no/such/folder/a.csv", saying=["--log", "no/such/folder"])
        self.fail_with(FAILURE, "train", *SMALL, "--log", ".", saying=["--log", "it is a folder"])


class TwoAtOnce(CliTest):
    @needs_mnist
    def test_two_first_trainings_share_one_download(self):
        bodies = {f"/{name}.gz": mnist_gzip(name) for name in FILES}

        def slowly(path):
            time.sleep(0.5)  # so that both are at it
            return bodies.get(path)

        with Mirror(slowly) as mirror:
            self.environment["NEURONA_MNIST_MIRROR"] = mirror.url
            command = [support.PROGRAM, "train", "--limit", "500", "--epochs", "1", "--threads", "1", "--json"]
            runs = [subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    for _ in range(3)]
            told = [run.communicate(timeout=DEADLINE_S) for run in runs]
            self.assertEqual([run.returncode for run in runs], [0] * 3, told)
            self.assertEqual([json.loads(out)["data"]["embedded"] for out, _ in told], [False] * 3)
            self.assertEqual(len({json.dumps(json.loads(out)["history"][0]["loss"]) for out, _ in told}), 1)
            self.assertEqual(sorted(path for path, _ in mirror.requests), sorted(bodies))  # each file once
            self.assertTrue(any("waiting: another run (process" in err for _, err in told))
        self.assertEqual(self.files(), sorted(f"cache/mnist/{name}.gz" for name in FILES))

    @needs_mnist
    def test_a_download_goes_on_where_one_that_was_killed_stopped(self):
        bodies = {f"/{name}.gz": mnist_gzip(name) for name in FILES}
        for number in (signal.SIGKILL, signal.SIGTERM):
            shutil.rmtree(self.folder / "cache", ignore_errors=True)
            with Mirror(bodies.get, cut=lambda path, nth: 200000 if nth == 0 and path.startswith("/train-images") else None, hold=True) as mirror:
                self.environment["NEURONA_MNIST_MIRROR"] = mirror.url
                part = self.folder / f"cache/mnist/{FILES[0]}.gz.part"
                with subprocess.Popen([support.PROGRAM, "data", "mnist"], cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) as first:
                    while not part.exists() or part.stat().st_size < 200000:
                        time.sleep(0.01)
                    first.send_signal(number)
                    self.assertEqual(first.wait(DEADLINE_S), -number)
                if number == signal.SIGTERM:
                    self.assertEqual(self.files(), [f"cache/mnist/{FILES[0]}.gz.part"])
                mirror.release()
                self.succeed("data", "mnist")
                self.assertEqual([begin for path, begin in mirror.requests if path.startswith("/train-images")], [None, 200000])
                self.assertEqual(self.files(), sorted(f"cache/mnist/{name}.gz" for name in FILES))


class OnlyWhatWasAskedFor(CliTest):
    def test_where_mnist_was_asked_for_no_network_is_a_failure(self):
        self.fail_with(FAILURE, "train", "--data", "mnist", "--limit", 100, "--out", "a.safetensors", "--json",
                       saying=["Could not download", "To go on without MNIST: --data embedded"])
        self.assertEqual(self.files(), [])

    def test_the_default_without_a_network_falls_back_loudly_at_the_beginning_and_at_the_end(self):
        for mirror in (f"http://127.0.0.1:{closed_port()}/", "http://no-such-host.invalid/"):
            self.environment["NEURONA_MNIST_MIRROR"] = mirror
            out = self.succeed("train", "--limit", 100, "--epochs", 1, "--threads", 1).stdout
            self.assertLess(out.index("Working on EMBEDDED digits"), out.index("Epoch 1/1"))
            self.assertGreater(out.index("REMEMBER: there was no MNIST"), out.index("Epoch 1/1"))
        self.assertNotIn("REMEMBER", self.succeed("train", *SMALL, "--epochs", 1).stdout)  # asked for

    def test_any_other_failure_is_a_failure(self):
        for body, text in ((None, "404"), (b"<!DOCTYPE html><p>log in", "web page"), (gzip.compress(b"other"), "SHA-256"), (b"", "sent nothing")):
            with self.subTest(text=text), Mirror(lambda path, body=body: body) as mirror:
                self.environment["NEURONA_MNIST_MIRROR"] = mirror.url
                self.fail_with(FAILURE, "train", "--limit", 100, "--epochs", 1, "--json", saying=[text, "--data embedded"])
        self.environment["NEURONA_CACHE"] = str(self.write("file", "no folder") / "cache")
        self.fail_with(FAILURE, "train", "--limit", 100, "--epochs", 1, saying=["Cannot make the folder", "NEURONA_CACHE"])
        del self.environment["NEURONA_CACHE"], self.environment["HOME"]
        self.fail_with(FAILURE, "train", "--limit", 100, "--epochs", 1, saying=["HOME is not set", "NEURONA_CACHE", "--data embedded"])
        self.succeed("train", *SMALL, "--epochs", 0)


class OtherData(CliTest):
    def write_set(self, folder, names, labels, test_labels=None, wrap=lambda name, content: {name: content}):
        contents = [idx_images(len(labels)), idx_labels(labels), idx_images(len(test_labels or labels), seed=3), idx_labels(test_labels or labels)]
        for name, content in zip(names, contents):
            for path, bytes_ in wrap(name, content).items():
                (self.folder / folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / folder / path).write_bytes(bytes_)

    def train(self, folder, *extra):
        result = self.succeed("train", "--data", folder, "--epochs", 1, "--threads", 1, "--out", "a.safetensors", "--json", *extra)
        return json.loads(result.stdout), result.stderr

    def test_sets_under_mnists_names_are_trained_on_with_a_note(self):
        ten = [i % 10 for i in range(40)]
        self.write_set("fashion", FILES, ten)
        self.write_set("packed", [name + ".gz" for name in FILES], ten, wrap=lambda name, content: {name: gzip.compress(content)})
        self.write_set("dotted", [name.replace("-idx", ".idx") for name in FILES], ten)
        self.write_set("nested", FILES, ten, wrap=lambda name, content: {f"{name.replace('-idx', '.idx')}/{name}": content})  # Kaggle
        for folder in ("fashion", "packed", "dotted", "nested"):
            with self.subTest(folder=folder):
                told, said = self.train(folder)
                self.assertEqual(told["data"]["class_names"], [str(i) for i in range(10)])
                self.assertIn("These are not MNIST's digits, but other data in its format: 40 training and 40 test images of 28x28 in 10 classes", said)
        self.assertEqual(self.succeed_json("summary", "a.safetensors")["metadata"]["data"], "other: nested")
        (self.folder / "fashion/classes.txt").write_text("\n".join(f"cloth {i}" for i in range(10)))
        self.assertEqual(self.train("fashion")[0]["data"]["class_names"][3], "cloth 3")
        self.write("one.png", png(one(80)))
        self.assertRegex(self.succeed("predict", "a.safetensors", "one.png").stdout, r"one\.png:  cloth \d \d+\.\d\d%")

    def test_emnists_sets_have_their_own_names_labels_and_directions(self):
        names = lambda split: [f"emnist-{split}-{name.replace('t10k', 'test')}.gz" for name in FILES]
        packed = lambda name, content: {name: gzip.compress(content)}
        letters = [1 + i % 26 for i in range(52)]
        self.write_set("emnist", names("letters"), letters, wrap=packed)
        (self.folder / "emnist/emnist-letters-mapping.txt").write_text("".join(f"{i} {64 + i} {96 + i}\n" for i in range(1, 27)))
        told, said = self.train("emnist")
        self.assertEqual(len(told["data"]["class_names"]), 26)
        self.assertEqual(told["data"]["class_names"][:3], ["Aa", "Bb", "Cc"])
        self.assertIn("were set upright", said)
        self.assertEqual(self.succeed_json("summary", "a.safetensors")["layers"][-1]["output_shape"], [26])
        self.assertEqual(len(self.succeed_json("evaluate", "a.safetensors", "--data", "emnist")["confusion"]), 26)

        self.write_set("emnist", names("balanced"), [i % 47 for i in range(47)], wrap=packed)
        self.fail_with(FAILURE, "train", "--data", "emnist", saying=["several sets of data", "emnist-balanced, emnist-letters", "emnist/emnist-balanced"])
        self.assertEqual(len(self.train("emnist/emnist-balanced")[0]["data"]["class_names"]), 47)
        self.assertEqual(len(self.train("emnist/emnist-letters")[0]["data"]["class_names"]), 26)
        self.write_set("zip/gzip", names("digits"), [i % 10 for i in range(20)], wrap=packed)
        self.assertEqual(len(self.train("zip")[0]["data"]["class_names"]), 10)

    def test_emnists_images_are_turned_and_others_are_not(self):
        # A network that only looks at pixel (0, 1): which of two images has ink there depends on the direction.
        picture = bytearray(784)
        picture[1] = 255
        for name, upright in (("train-images-idx3-ubyte", False), ("emnist-mnist-train-images-idx3-ubyte", True)):
            folder = self.folder / name
            folder.mkdir()
            prefix = name[:-len("train-images-idx3-ubyte")]
            for split, test in (("train", False), ("test" if prefix else "t10k", True)):
                (folder / f"{prefix}{split}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 2, 28, 28) + bytes(picture) + bytes(784))
                (folder / f"{prefix}{split}-labels-idx1-ubyte").write_bytes(idx_labels([0, 1]))
            weights = [0.0] * (784 * 2)
            weights[(28 if upright else 1) * 2] = 50.0
            weights[(28 if upright else 1) * 2 + 1] = -50.0
            self.write("look.safetensors", support.safetensors(([28, 28], [("d", 2, "softmax")]), [("d/kernel", [784, 2], weights), ("d/bias", [2], [-1.0, 1.0])]))
            self.assertEqual(self.succeed_json("evaluate", "look.safetensors", "--data", name)["accuracy"], 1.0)

    def test_kaggles_csv_files_are_read(self):
        header = "label," + ",".join(f"pixel{i}" for i in range(784))
        row = lambda i, label=True: ",".join(([str(i % 10)] if label else []) + [str((i * 3 + k) % 256) for k in range(784)])
        (self.folder / "fashion").mkdir()
        (self.folder / "fashion/fashion-mnist_train.csv").write_text("\n".join([header, *map(row, range(30))]) + "\n")
        (self.folder / "fashion/fashion-mnist_test.csv").write_text("\r\n".join([header, *map(row, range(20))]))
        told, said = self.train("fashion")
        self.assertIn("30 training and 20 test images", said)
        (self.folder / "digits").mkdir()
        (self.folder / "digits/train.csv").write_text("\n".join([header, *map(row, range(70))]))
        (self.folder / "digits/test.csv").write_text("\n".join([header[6:], *(row(i, False) for i in range(9))]))
        told, said = self.train("digits")
        self.assertIn("60 training and 10 test images", said)
        self.assertIn("'test.csv' has no labels: the last 10 images of 'train.csv' serve as test images", said)
        for lines, text in (([header, row(1), "1,2,300"], "line 3: column 3 is no whole number from 0 to 255"),
                            ([header, row(1), row(2)[:-8]], "line 3:"), (["<html>", "hello"], "web page"), ([header], "has no images"), ([], "is empty")):
            (self.folder / "digits/train.csv").write_text("\n".join(lines))
            self.fail_with(FAILURE, "train", "--data", "digits", saying=["digits/train.csv", text])

    def test_damaged_files_are_named_with_their_folder_and_sound_ones_are_not_to_be_deleted(self):
        self.write_set("d", FILES, [i % 10 for i in range(40)])
        good = {name: (self.folder / "d" / name).read_bytes() for name in FILES}
        page = b"\n  <!doctype HTML><title>Sign in</title>"
        for name, content, text in ((FILES[0], good[FILES[0]][:-5], "the file has"), (FILES[1], page, "web page (HTML)"), (FILES[2], page, "web page (HTML)"),
                                    (FILES[3], b"\x89PNG\r\n\x1a\n0000", "a PNG image"), (FILES[2], good[FILES[3]], "give images, not labels"),
                                    (FILES[1], idx_labels([1, 2]), "2 labels for 40 images"), (FILES[3], idx_labels([9] * 39 + [11]), "label 11, which no training image has"),
                                    (FILES[0], b"", "the file is empty")):
            with self.subTest(text=text):
                (self.folder / "d" / name).write_bytes(content)
                result = self.fail_with(FAILURE, "train", "--data", "d", saying=[f"d/{name}", text])
                self.assertNotIn("delete", result.stderr)
                (self.folder / "d" / name).write_bytes(good[name])
        os.rename(self.folder / "d" / FILES[3], self.folder / "d" / "moved")
        self.fail_with(FAILURE, "train", "--data", "d", saying=[f"'{FILES[3]}' (or with .gz) is not in 'd', which has others of its set"])
        os.rename(self.folder / "d" / "moved", self.folder / "d" / FILES[3])
        self.environment["MNIST_DIR"] = "d"
        for arguments in (["data", "mnist"], ["train", "--epochs", "1"]):
            result = self.fail_with(FAILURE, *arguments, saying=[f"d/{FILES[0]}", "SHA-256", "--data FOLDER"])
            self.assertNotIn("delete", result.stderr)
        self.fail_with(FAILURE, "train", "--data", "d/" + FILES[0], saying="is a file")
        self.fail_with(FAILURE, "train", "--data", "nowhere", saying="There is no folder 'nowhere'")

    @needs_mnist
    def test_mnist_with_one_wrong_byte_is_not_taken_for_other_data(self):
        (self.folder / "m").mkdir()
        for name in FILES:
            plain = bytearray(gzip.decompress(mnist_gzip(name)))
            if name == FILES[2]:
                plain[1000] ^= 1
            (self.folder / "m" / name).write_bytes(plain)
        self.fail_with(FAILURE, "train", "--data", "m", "--limit", 100, saying=[f"m/{FILES[2]}", "It is damaged"])

    def test_a_network_with_fewer_classes_is_refused_in_words(self):
        self.write_set("letters", FILES, [i % 26 for i in range(52)])
        self.write("ten.safetensors", dense_model([28, 28], 10))
        self.fail_with(FAILURE, "evaluate", "ten.safetensors", "--data", "letters", saying=["10 classes", "has 26", "neurona train --data letters"])


class NoModel(CliTest):
    def test_files_that_are_no_model_are_told_by_what_they_are(self):
        zip_of = lambda name: b"PK\x03\x04" + bytes(26) + name + b"{}" * 40
        for name, content, text in (("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras' .h5"), ("m.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "model.save('NAME.h5')"),
                                    ("m.keras", zip_of(b"metadata.json"), "a model of Keras 3 (.keras)"), ("disguised.safetensors", zip_of(b"config.json"), "a model of Keras 3"),
                                    ("m.pt", zip_of(b"archive/data.pkl"), "PyTorch"), ("m.pkl", b"\x80\x02}q\x00." + bytes(20), "pickle"), ("m.zip", zip_of(b"a.txt"), "ZIP"),
                                    ("m.png", png(one(20)), "PNG"), ("m.safetensors", b"<!DOCTYPE html><html>", "web page"), ("m.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "JPEG"),
                                    ("m.gz", gzip.compress(b"x" * 100), "gzip"), ("m.onnx", b"\x08\x07\x12\x07pytorch" + bytes(20), "ONNX"), ("m.json", b'{"class_name": "Sequential"}', "JSON"),
                                    ("lfs.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"), ("m.npy", b"\x93NUMPY\x01\x00" + bytes(60), "NumPy")):
            self.write(name, content)
            for arguments in (["evaluate", name, *SMALL], ["summary", name], ["predict", name, name]):
                with self.subTest(name=name, command=arguments[0]):
                    self.fail_with(FAILURE, *arguments, saying=[name, text, "not a safetensors file"])

    def test_what_is_no_hdf5_file_is_told_as_a_weights_file_too(self):
        for name, content, text in (("w.h5", png(one(20)), "a PNG image"), ("x.h5", b"PK\x03\x04" + bytes(26) + b"metadata.json", "a model of Keras 3 (.keras)"),
                                    ("y.h5", b"<html>", "a web page")):
            self.write(name, content)
            self.fail_with(FAILURE, "summary", "--network", "mlp", "--weights", name, saying=[name, text, "not Keras' HDF5"])


class Words(CliTest):
    def test_ranges_are_told_in_words(self):
        for option, value, text in (("--epochs", "-1", "at least 0"), ("--batch-size", "0", "at least 1"), ("--batch-size", "x", "'x' is no whole number; at least 1"),
                                    ("--batch-size", "99999999999999999999", "out of range"), ("--threads", "4294967295", "4294967295 is out of range; from 0 to 1024"),
                                    ("--threads", "1e3", "no whole number"), ("--limit", "", "at least 0"), ("--stroke-copies", "101", "from 1 to 100"),
                                    ("--validation-split", "1", "at least 0 and below 1"), ("--learning-rate", "-1", "at least 0"), ("--learning-rate", "1e999", "no number"),
                                    ("--momentum", "4294967295", "4294967295 is out of range"), ("--seed", "-5", "at least 0"), ("--patience", "0.5", "no whole number")):
            with self.subTest(option=option, value=value):
                early = ["--early-stopping"] if option == "--patience" else []
                result = self.fail_with(USAGE, "train", *early, f"{option}={value}", saying=[option, text])
                self.assertNotRegex(result.stderr, r"\d{25}|\d\.\d+e\+\d")
        for command in ("train", "evaluate", "predict", "bench", "summary"):
            self.assertNotRegex(self.succeed(command, "--help").stdout, r"\d{20}|e\+\d|NONNEGATIVE|POSITIVE|inf\b")

    @unittest.skipIf(os.geteuid() != 0, "only the superuser can become somebody who may start few threads")
    def test_threads_that_cannot_be_started_are_told_once_and_the_result_is_the_same(self):
        command = [support.PROGRAM, "train", "--data", "embedded", "--limit", "300", "--epochs", "2", "--network", "mlp-improved", "--json"]

        def limit():
            resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        few = subprocess.run([*command, "--threads", "200"], cwd="/", env=self.environment, capture_output=True, text=True, preexec_fn=limit, timeout=DEADLINE_S, check=False)
        self.assertEqual(few.returncode, 0, few.stderr)
        self.assertEqual(len(re.findall(r"neurona: Only \d+ of 200 threads could be started", few.stderr)), 1, few.stderr)
        one_thread = self.succeed_json(*command[1:-1], "--threads", 1)
        self.assertEqual(json.loads(few.stdout)["history"][1]["loss"], one_thread["history"][1]["loss"])

    def test_batches_of_one_under_batch_normalization_are_warned_of(self):
        common = ["train", "--data", "embedded", "--limit", 30, "--epochs", 1, "--threads", 1, "--network", "mlp-improved"]
        out = self.succeed(*common, "--batch-size", 1).stdout
        self.assertLess(out.index("Warning: BatchNormalization 'batch_normalization' learns nothing from batches of one"), out.index("Epoch 1/1"))
        self.assertNotIn("Warning", self.succeed(*common, "--batch-size", 2).stdout)


class Terminal(CliTest):
    def on_terminal(self, columns, *arguments, resize=None, **environment):
        """What the program writes to a terminal of so many columns; `resize`: (text, columns) when the text has come."""
        master, slave = pty.openpty()
        set_columns = lambda n: fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, n, 0, 0))
        set_columns(columns)
        with subprocess.Popen([support.PROGRAM, *map(str, arguments)], cwd=self.folder, env={**self.environment, "TERM": "xterm", **environment},
                              stdin=slave, stdout=slave, stderr=slave) as process:
            os.close(slave)
            text = b""
            while True:
                try:
                    piece = os.read(master, 4096)
                except OSError:  # its other end is closed
                    break
                if not piece:
                    break
                text += piece
                if resize and resize[0].encode() in text:
                    set_columns(resize[1])
                    resize = None
        os.close(master)
        self.assertEqual(process.returncode, 0, text)
        return text.decode()

    def lines(self, text):
        return [line for part in text.split("\n") for line in part.rstrip("\r").split("\r") if line]

    def test_progress_lines_fit_the_terminal(self):
        command = ["train", "--data", "embedded", "--limit", 3000, "--epochs", 2, "--validation-split", 0.1, "--threads", 1, "--augment"]
        for columns in (20, 40, 60, 80, 100, 200):
            with self.subTest(columns=columns):
                text = self.on_terminal(columns, *command)
                drawn = [line for line in self.lines(text) if re.match(r" *\d+/\d+", line)]
                self.assertGreater(len(drawn), 2)
                self.assertLess(max(map(len, drawn)), columns)
                # What stays on the screen loses nothing: it goes on in the next line.
                last = text[text.rindex("2700/2700"):].replace("\r\n", "\n").split("\r")[0].rstrip()
                for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
                    self.assertIn(f" - {name}: ", last)
                self.assertLess(max(map(len, last.split("\n"))), max(columns, 28))
                if columns >= 40:
                    self.assertTrue(all("loss: " in line for line in drawn if not re.match(r" *(\d+)/\1 ", line)), drawn)
                if columns == 200:
                    self.assertIn("[==============================]", drawn[-1])

    def test_a_terminal_that_is_made_narrower_gets_shorter_lines(self):
        text = self.on_terminal(120, "train", "--data", "embedded", "--limit", 3000, "--epochs", 3, "--threads", 1, "--augment", resize=("Epoch 2/3", 50))
        behind = [line for line in self.lines(text[text.index("Epoch 3/3"):]) if re.match(r" *\d+/\d+", line)]
        self.assertLess(max(map(len, behind)), 50)

    def test_nothing_is_redrawn_on_a_dumb_terminal(self):
        for kind in ("dumb", ""):
            text = self.on_terminal(80, "train", *SMALL, "--epochs", 2, TERM=kind).replace("\r\n", "\n")
            self.assertNotIn("\r", text)
            self.assertNotIn("\x1b", text)
            self.assertEqual(text.count("300/300 ["), 2)


if __name__ == "__main__":
    support.main(__doc__)

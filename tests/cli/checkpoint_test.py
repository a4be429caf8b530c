#!/usr/bin/env python3
"""Tests of trainings that are stopped and go on: checkpoint_test.py PROGRAM [arguments of unittest]"""
import json
import os
import random
import signal
import struct
import subprocess
import time

import support
from support import FAILURE, SMALL, USAGE, CliTest, dense_model

DEADLINE_S = 120
# Dropout, moving statistics, a schedule, two slots a weight, early stopping with its best weights, a log: all that a checkpoint must keep.
EVERYTHING = ["train", "--data", "embedded", "--limit", "150", "--network", "mlp-improved", "--optimizer", "adam", "--schedule", "cosine", "--augment",
              "--validation-split", "0.2", "--early-stopping", "--patience", "12", "--restore-best-weights", "--epochs", "16", "--seed", "3",
              "--batch-losses", "7", "--log", "log.csv", "--out", "out.safetensors"]


def tensors(path):
    """The bytes behind the header: weights and the optimizer's slots."""
    content = path.read_bytes()
    return content[8 + struct.unpack("<Q", content[:8])[0]:]


def without_times(told):
    told = dict(told, history=[{key: value for key, value in epoch.items() if key != "seconds"} for epoch in told["history"]])
    return {key: value for key, value in told.items() if key not in ("backend", "out", "checkpoint")}


class Checkpoint(CliTest):
    def start(self, *arguments, folder=None):
        return subprocess.Popen([support.PROGRAM, *map(str, arguments)], cwd=folder or self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def wait_for(self, process, *texts):
        for line in process.stdout:
            if any(text in line for text in texts):
                return
        self.fail(f"{texts} never came: {process.stderr.read()}")

    def kill_at_random(self, process, generator):
        """Kills a training at a random moment after its beginning, in every other case when it is seen to write. Whether it was not over yet."""
        self.wait_for(process, "Epoch", "That run has finished")
        deadline = time.monotonic() + generator.uniform(0, 0.08)
        writes = generator.random() < 0.5
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        give_up = time.monotonic() + 5
        while writes and process.poll() is None and time.monotonic() < give_up and not list((self.folder / "broken").glob("run.safetensors.part-*")):
            pass
        self.seen_writing += writes and process.poll() is None
        process.kill()
        process.communicate(timeout=DEADLINE_S)
        return process.returncode == -signal.SIGKILL

    def test_a_training_that_is_killed_30_times_ends_with_the_same_bits_as_one_that_was_left_alone(self):
        seed = 20261201
        print(f"seed {seed}", flush=True)
        generator = random.Random(seed)
        whole, broken = self.folder / "whole", self.folder / "broken"
        whole.mkdir()
        with self.start(*EVERYTHING, "--json", folder=whole) as process:
            expected = json.loads(process.communicate(timeout=DEADLINE_S)[0])
        checkpoint, kills, ends, leftovers, self.seen_writing = broken / "run.safetensors", 0, 0, 0, 0
        while kills < 30 or ends == 0:
            if not broken.exists():
                broken.mkdir()
            going_on = checkpoint.exists()
            arguments = ["train", "--resume", checkpoint] if going_on else [*EVERYTHING, "--checkpoint", checkpoint.name, "--every", 1]
            with self.start(*arguments, *([] if kills < 30 else ["--json"]), "--threads", 1 + kills % 2, folder=self.folder if going_on else broken) as process:
                if kills < 30 and self.kill_at_random(process, generator):
                    kills += 1
                    leftovers += len(list(broken.glob("*.part-*")))
                    continue
                out, err = process.communicate(timeout=DEADLINE_S) if kills >= 30 else ("", "")
            self.assertEqual(process.returncode, 0, err)
            ends += 1
            self.assertEqual((broken / "out.safetensors").read_bytes(), (whole / "out.safetensors").read_bytes())
            self.assertEqual((broken / "log.csv").read_bytes(), (whole / "log.csv").read_bytes())
            if out:
                self.assertEqual(without_times(json.loads(out)), without_times(expected))
            self.assertEqual(sorted(path.name for path in broken.iterdir()), ["log.csv", "out.safetensors", "run.safetensors"])
            if kills < 30:  # a quick machine was done: once more from the beginning
                for path in broken.iterdir():
                    path.unlink()
        print(f"{kills} kills, {self.seen_writing} of them aimed at a file being written, {leftovers} left a part of one, {ends} ends", flush=True)
        self.assertGreater(self.seen_writing, 0)

    def test_ctrl_c_writes_a_checkpoint_says_how_to_go_on_and_a_resumed_run_ends_as_it_would_have(self):
        run = ["train", *SMALL, "--epochs", 40, "--validation-split", 0.1]
        self.succeed(*run, "--out", "whole.safetensors")
        with self.start(*run, "--out", "a.safetensors", "--checkpoint", "my run.safetensors", "--every", "5m") as process:
            self.wait_for(process, "Epoch 2/")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 128 + signal.SIGINT, err)
        self.assertRegex(err, r"neurona: Ctrl-C ended the run (after batch \d+ of 9 of|in the validation of) epoch \d+ of 40\.\n"
                              r"  A checkpoint is in my run\.safetensors\. To go on: neurona train --resume 'my run\.safetensors'\n")
        out = self.succeed("train", "--resume", "my run.safetensors").stdout
        self.assertRegex(out, r"Going on with my run\.safetensors, (after batch|in the validation)")
        self.assertEqual((self.folder / "a.safetensors").read_bytes(), (self.folder / "whole.safetensors").read_bytes())
        self.assertEqual(self.files(), ["a.safetensors", "my run.safetensors", "whole.safetensors"])

    def test_a_run_without_out_says_where_its_checkpoint_is_and_not_that_nothing_was_saved(self):
        with self.start("train", *SMALL, "--epochs", 100000, "--checkpoint", "run.safetensors") as process:
            self.wait_for(process, "Epoch 2/")
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=DEADLINE_S)
        self.assertIn("To go on: neurona train --resume run.safetensors", err)
        self.assertNotIn("Nothing was saved", err)

    def test_a_finished_run_says_so_and_goes_on_with_more_epochs_as_if_they_had_been_given_at_once(self):
        self.succeed("train", *SMALL, "--optimizer", "rmsprop", "--epochs", 3, "--out", "long.safetensors")
        self.succeed("train", *SMALL, "--optimizer", "rmsprop", "--epochs", 2, "--out", "a.safetensors", "--checkpoint", "run.safetensors")
        first = (self.folder / "a.safetensors").read_bytes()
        out = self.succeed("train", "--resume", "run.safetensors").stdout
        self.assertIn("That run has finished: its 2 epochs are done. To go on, give it more: neurona train --resume run.safetensors --epochs 4\n", out)
        self.assertNotIn("Epoch 3", out)
        self.assertEqual((self.folder / "a.safetensors").read_bytes(), first)
        told = self.succeed_json("train", "--resume", "run.safetensors", "--epochs", 3)
        self.assertEqual([epoch["epoch"] for epoch in told["history"]], [1, 2, 3])
        self.assertEqual(tensors(self.folder / "a.safetensors"), tensors(self.folder / "long.safetensors"))
        self.assertTrue(self.succeed_json("summary", "a.safetensors")["metadata"]["command"].endswith("; resumed with --epochs 3"))
        self.assertIn("its 3 epochs are done", self.succeed("train", "--resume", "run.safetensors").stdout)
        self.fail_with(FAILURE, "train", "--resume", "run.safetensors", "--epochs", 2,
                       saying="--epochs 2: the run has 3; it can be made longer, not shorter.")

    def test_a_run_that_stopped_early_says_so_and_does_not_go_on(self):
        self.succeed("train", *SMALL, "--epochs", 50, "--validation-split", 0.2, "--early-stopping", "--learning-rate", 0, "--checkpoint", "run.safetensors")
        self.assertIn("That run has finished: it stopped early, after epoch 2.", self.succeed("train", "--resume", "run.safetensors").stdout)
        self.fail_with(FAILURE, "train", "--resume", "run.safetensors", "--epochs", 60,
                       saying="the run stopped early, after epoch 2, and cannot go on. Train anew, without --early-stopping or with more --patience.")

    def test_options_that_would_make_it_another_run_are_told_and_those_that_do_not_are_taken(self):
        self.succeed("train", *SMALL, "--epochs", 1, "--seed", 4, "--checkpoint", "run.safetensors")
        before = (self.folder / "run.safetensors").read_bytes()
        for arguments, text in [
            (["--seed", 5], "--seed 5 would make it another run: the one in the checkpoint has --seed 4."),
            (["--batch-size", 16], "--batch-size 16 would make it another run: the one in the checkpoint was begun without it."),
            (["--limit", 200], "the one in the checkpoint has --limit 300"),
            (["--augment"], "--augment would make it another run"),
            (["--optimizer", "adam"], "has --optimizer sgd"),
            (["--network", "lenet"], "has --network mlp"),
            (["--data", "mnist"], "has --data embedded"),
            (["--log", "log.csv"], "was begun without it"),
        ]:
            with self.subTest(arguments=arguments):
                result = self.fail_with(USAGE, "train", "--resume", "run.safetensors", *arguments, saying=[text, "Leave the option out"])
                self.assertEqual(result.stdout, "")
        self.assertEqual((self.folder / "run.safetensors").read_bytes(), before)
        self.succeed("train", "--resume", "run.safetensors", "--seed", 4, "--optimizer", "sgd", "--limit", 300, "--threads", 1, "--epochs", 2,
                     "--out", "b.safetensors", "--checkpoint", "other.safetensors", "--every", "30s", "--note", "gone on")
        self.assertEqual(self.succeed_json("summary", "b.safetensors")["metadata"]["note"], "gone on")
        self.assertEqual(self.files(), ["b.safetensors", "other.safetensors", "run.safetensors"])
        self.assertEqual((self.folder / "run.safetensors").read_bytes(), before)

    def test_what_is_no_checkpoint_is_told_by_what_it_is(self):
        self.succeed("train", *SMALL, "--epochs", 0, "--out", "model.safetensors")
        self.write("dense.safetensors", dense_model([28, 28], 10))
        self.write("page.safetensors", "<!doctype html>")
        for name, text in [("missing.safetensors", "Cannot read 'missing.safetensors': No such file or directory"),
                           ("model.safetensors", "the file holds a network, but no run that could go on"),
                           ("dense.safetensors", "the file holds a network, but no run"), ("page.safetensors", "a web page (HTML)"),
                           (".", "it is a folder")]:
            with self.subTest(name=name):
                self.fail_with(FAILURE, "train", "--resume", name, saying=text)
        for arguments, text in [(["--every", "5"], "--every: it says how often --checkpoint FILE is written"),
                                (["--checkpoint", "a", "--every", "5h"], "'5h' is no interval; give batches (100), seconds (30s) or minutes (5m)"),
                                (["--checkpoint", "a", "--every", "0"], "'0' is no interval"), (["--checkpoint", ""], "--checkpoint"),
                                (["--checkpoint", "a.st", "--out", "./a.st"], "is the same file as that of")]:
            with self.subTest(arguments=arguments):
                self.fail_with(USAGE, "train", *SMALL, *arguments, saying=text)
        self.fail_with(FAILURE, "train", *SMALL, "--checkpoint", "no/such/run.safetensors", saying="--checkpoint: Cannot write")
        self.fail_with(FAILURE, "train", *SMALL, "--checkpoint", "run.h5", saying="--checkpoint 'run.h5'")

    def test_a_checkpoint_cut_short_at_any_place_is_refused_and_stays_as_it_is(self):
        self.succeed("train", *SMALL, "--epochs", 1, "--checkpoint", "run.safetensors")
        content = (self.folder / "run.safetensors").read_bytes()
        for size in (0, 7, 8, 100, 4000, len(content) // 2, len(content) - 1):
            with self.subTest(size=size):
                self.write("cut.safetensors", content[:size])
                self.fail_with(FAILURE, "train", "--resume", "cut.safetensors", saying="cut.safetensors")
                self.assertEqual((self.folder / "cut.safetensors").read_bytes(), content[:size])

    def test_other_images_than_those_that_the_run_was_begun_on_are_refused(self):
        folder = self.folder / "data"
        folder.mkdir()

        def fill(ink):
            for name, count in (("train", 40), ("t10k", 10)):
                pixels = bytes((ink * (i + 1)) % 251 for i in range(count * 784))
                (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
                (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)))

        fill(3)
        self.succeed("train", "--data", "data", "--epochs", 1, "--checkpoint", "run.safetensors")
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        with self.start("train", "--resume", "../run.safetensors", "--epochs", 2, folder=elsewhere) as process:
            out, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn("Epoch 2/2", out)
        fill(7)
        self.fail_with(FAILURE, "train", "--resume", "run.safetensors", saying="the run was begun on other training images than those that are found now")

    def test_a_loss_that_becomes_nan_keeps_the_checkpoint_from_before_and_tells_of_it(self):
        self.fail_with(FAILURE, "train", *SMALL, "--learning-rate", "1e39", "--checkpoint", "run.safetensors", "--every", 1,
                       saying=["the loss became nan", "A checkpoint is in run.safetensors. To go on: neurona train --resume run.safetensors"])
        self.fail_with(FAILURE, "train", "--resume", "run.safetensors", saying="Training stopped at epoch 1, batch 2: the loss became nan.")

    def test_a_checkpoint_that_cannot_be_written_is_told_once_and_the_training_goes_on(self):
        place = self.folder / "place"
        place.mkdir()
        with self.start("train", *SMALL, "--epochs", 300, "--checkpoint", "place/run.safetensors", "--every", 1, "--out", "a.safetensors") as process:
            self.wait_for(process, "Epoch 2/")
            place.rename(self.folder / "moved")
            out, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(out.count("Warning: no checkpoint could be written, the training goes on."), 1)
        self.assertIn("Epoch 300/300", out)

    def test_a_checkpoint_is_a_network_that_can_be_judged_and_leftovers_of_killed_processes_go(self):
        dead = subprocess.Popen(["true"])
        dead.wait()
        for name in (f"run.safetensors.part-{dead.pid}-1", f"run.safetensors.part-{os.getpid()}-1", "run.safetensors.part-x-1", "other.safetensors.part-1-1"):
            self.write(name, "begun")
        self.succeed("train", *SMALL, "--epochs", 2, "--checkpoint", "run.safetensors", "--out", "a.safetensors")
        self.assertEqual(self.files(), ["a.safetensors", "other.safetensors.part-1-1", "run.safetensors", f"run.safetensors.part-{os.getpid()}-1", "run.safetensors.part-x-1"])
        judged, same = (self.succeed_json("evaluate", name, *SMALL) for name in ("run.safetensors", "a.safetensors"))
        self.assertEqual((judged["loss"], judged["accuracy"]), (same["loss"], same["accuracy"]))

    def test_the_optimizer_can_be_left_out_of_the_network_s_file(self):
        for name, extra in (("whole", []), ("lean", ["--no-optimizer"]), ("int8", ["--int8"])):
            self.succeed("train", *SMALL, "--optimizer", "adam", "--epochs", 1, "--out", name, *extra)
        whole, lean, small = ((self.folder / name).stat().st_size for name in ("whole", "lean", "int8"))
        self.assertAlmostEqual(whole / lean, 3, delta=0.1)
        self.assertLess(small, 0.3 * lean)
        self.assertEqual(self.succeed_json("evaluate", "whole", *SMALL)["loss"], self.succeed_json("evaluate", "lean", *SMALL)["loss"])


if __name__ == "__main__":
    support.main(__doc__)

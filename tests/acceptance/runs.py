"""The runs of the tutorial and the bands in which their figures must lie: Keras' semantics, over several seeds, on the complete MNIST.

A run is a list of the program's arguments; a row is something that its results must show.
"""
import dataclasses
import json
import pathlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable

SEEDS = (1, 2, 3, 4, 5)
TIMEOUT_S = 7200


@dataclasses.dataclass(frozen=True)
class Run:
    """`evaluate`: arguments of a second command that judges what the first one saved; its answer is result["evaluation"]."""
    train: tuple[str, ...]
    seeds: tuple[int, ...]
    evaluate: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """`value` of each seed's result, or their mean, must lie in [low, high]."""
    what: str
    run: str
    tutorial: str
    value: Callable[[dict], float]
    low: float
    high: float
    mean: bool = False

    def judged(self, results):
        values = [self.value(result) for result in results]
        return [statistics.mean(values)] if self.mean else values

    def holds(self, results):
        return all(self.low <= value <= self.high for value in self.judged(results))


def around(expected, tolerance):
    return {"tutorial": f"{expected:.4f}", "low": expected - tolerance, "high": expected + tolerance}


def at_epoch(epoch, what):
    return lambda result: result["history"][epoch - 1][what]


def best(what):
    return lambda result: max(epoch[what] for epoch in result["history"])


def test(what):
    return lambda result: result["test"][what]


def evaluation(what):
    return lambda result: result["evaluation"][what]


INFINITE = float("inf")
RUNS = {
    "mlp": Run(("--network", "mlp", "--epochs", "10", "--validation-split", "0.05"), SEEDS),
    "improved-as-printed": Run(("--network", "mlp-improved", "--as-printed", "--epochs", "10", "--validation-split", "0.1",
                                 "--early-stopping"), SEEDS),
    "improved": Run(("--network", "mlp-improved", "--epochs", "10", "--validation-split", "0.1", "--early-stopping", "--patience", "3"), SEEDS),
    "cnn-as-printed": Run(("--network", "cnn", "--as-printed", "--epochs", "9"), (1,), evaluate=()),
    "cnn": Run(("--network", "cnn", "--epochs", "5", "--schedule", "constant"), (1,)),
    "cnn-recipe": Run(("--network", "cnn", "--validate-on-test"), (1,)),
    "lenet": Run(("--network", "lenet"), (1,)),
}
ROWS = (
    Row("MLP, epoch 1: loss", "mlp", value=at_epoch(1, "loss"), **around(0.5643, 0.02)),
    Row("MLP, epoch 1: accuracy", "mlp", value=at_epoch(1, "accuracy"), **around(0.8542, 0.01)),
    Row("MLP, epoch 1: val_loss", "mlp", value=at_epoch(1, "val_loss"), **around(0.2551, 0.02)),
    Row("MLP, epoch 1: val_accuracy", "mlp", value=at_epoch(1, "val_accuracy"), **around(0.9310, 0.008)),
    Row("MLP, epoch 10: loss", "mlp", value=at_epoch(10, "loss"), **around(0.1325, 0.01)),
    Row("MLP, epoch 10: accuracy", "mlp", value=at_epoch(10, "accuracy"), **around(0.9618, 0.004)),
    Row("MLP, epoch 10: val_loss", "mlp", value=at_epoch(10, "val_loss"), **around(0.1064, 0.01)),
    Row("MLP, epoch 10: val_accuracy", "mlp", value=at_epoch(10, "val_accuracy"), **around(0.9737, 0.004)),
    Row("MLP: test loss", "mlp", ".1359", test("loss"), 0.127, 0.137),
    Row("MLP: test accuracy", "mlp", ".9600", test("accuracy"), 0.957, 0.965),
    # It stops at the first bad epoch, and single runs scatter beyond the band, PyTorch's too: lib/ARCHITECTURE.md.
    Row("improved MLP, images divided twice: mean test accuracy", "improved-as-printed", ".9729", test("accuracy"), 0.958, 0.975, mean=True),
    Row("improved MLP, divided once, patience 3: mean test accuracy", "improved", "-", test("accuracy"), 0.974, 1.0, mean=True),
    Row("CNN, divided twice, epoch 1: accuracy", "cnn-as-printed", value=at_epoch(1, "accuracy"), **around(0.9473, 0.005)),
    Row("CNN, divided twice, epoch 9: accuracy", "cnn-as-printed", value=at_epoch(9, "accuracy"), **around(0.9922, 0.005)),
    Row("CNN, then judged on images divided once: loss", "cnn-as-printed", "516.3", evaluation("loss"), 100.0, INFINITE),
    Row("CNN, then judged on images divided once: accuracy", "cnn-as-printed", ".4601", evaluation("accuracy"), 0.0, 0.65),
    Row("CNN, divided once, 5 epochs: test accuracy", "cnn", "-", test("accuracy"), 0.983, 1.0),
    Row("CNN, its recipe (12 epochs): test accuracy of the best epoch", "cnn-recipe", "-", best("val_accuracy"), 0.990, 1.0),
    Row("lenet, its recipe: test accuracy", "lenet", "-", test("accuracy"), 0.993, 1.0),
)


def tell(program, *arguments):
    """What the program answers with --json."""
    result = subprocess.run([program, *map(str, arguments), "--json"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip())
    return json.loads(result.stdout)


def commands(run, seed):
    """As a user would type them."""
    lines = ["neurona train " + " ".join((*run.train, "--seed", str(seed)))]
    if run.evaluate is not None:
        lines[0] += " --out trained.safetensors"
        lines.append(" ".join(("neurona evaluate trained.safetensors", *run.evaluate)))
    return lines


def results_of(program, run, report=lambda seed, result, seconds: None):
    """The answer for each seed."""
    results = []
    for seed in run.seeds:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="neurona_run_") as folder:
            model = pathlib.Path(folder, "trained.safetensors")
            result = tell(program, "train", *run.train, "--seed", seed, *(() if run.evaluate is None else ("--out", model)))
            if run.evaluate is not None:
                result["evaluation"] = tell(program, "evaluate", model, *run.evaluate)
        if result["data"]["embedded"]:
            raise RuntimeError("These figures need MNIST, which could not be had: neurona data mnist")
        report(seed, result, time.monotonic() - started)
        results.append(result)
    return results

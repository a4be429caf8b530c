#!/usr/bin/env python3
"""Neurona's speed beside that of other libraries, measured in turn in one run, as Markdown.

    compare.py NEURONA [--onednn PROGRAM] [--site FOLDER] [--rounds N] [--json FILE] [--only native|browser]

NEURONA is the terminal program. PyTorch is measured where /usr/bin/python3 or this Python has it, oneDNN where its peer was
built (peers/onednn_peer.cpp says how), TensorFlow.js and ONNX Runtime Web where --site names the built page and the npm packages
of browser/ are installed. A native step of training is what an epoch consists of: 32 images gathered from bytes in random order,
forward, backward, update; in Chromium the others train on one batch that stays the same. Every figure is the median of N rounds; in
each round everybody has a turn. ./run bench --peers installs and builds what is needed and calls this.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE_NETWORKS = {"mlp": "MLP", "mlp-improved": "BN-MLP", "cnn": "CNN", "resnet50": "ResNet-50"}
NATIVE = [("train", "mlp"), ("train", "mlp-improved"), ("train", "cnn"), ("predict", "mlp"), ("predict", "cnn"),
          ("predict", "resnet50")]
BATCH = 32


def fail(text):
    sys.exit(f"error: {text}")


class Cannot(Exception):
    """What a library said when it was asked for something that it does not do on this machine."""


class Neurona:
    """The terminal program, started anew for each figure."""
    name = "Neurona"

    def __init__(self, program):
        self.program = program

    def seconds(self, task, network, threads):
        part = {"train": "training", "predict": "prediction"}[task]
        answer = subprocess.run([self.program, "bench", "--only", part, "--network", network, "--threads", str(threads), "--repetitions", "3",
                                 "--least", "200", "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        figures = json.loads(answer.stdout)[part][network]
        return figures["milliseconds_per_batch"] / 1e3 if task == "train" else figures["one_microseconds"] / 1e6

    def close(self):
        pass


class Peer:
    """A program that answers lines `TASK NETWORK THREADS` with JSON lines."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.name = json.loads(self.process.stdout.readline())["name"]
        except (ValueError, KeyError):
            fail(f"{command[-1]} did not say who it is.")

    def seconds(self, task, network, threads):
        self.process.stdin.write(f"{task} {network} {threads}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Cannot(f"{self.name}, {task} {network}: {answer['error']}")
        return answer["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def python_with_torch():
    for python in ("/usr/bin/python3", sys.executable):
        if subprocess.run([python, "-c", "import torch"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    return None


def cores():
    return len(os.sched_getaffinity(0))


def thread_counts():
    return [1] if cores() == 1 else [1, min(cores(), 2)]


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def tell(text):
    print(text, file=sys.stderr, flush=True)


def measure_native(options):
    """{(task, network): {name: {threads: [seconds, a round each]}}}"""
    contenders = [Neurona(options.neurona)]
    if python := python_with_torch():
        contenders.append(Peer([python, str(HERE / "peers/pytorch_peer.py")]))
    else:
        tell("PyTorch is not installed (Debian: python3-torch libopenblas0-openmp): left out.")
    if options.onednn:
        contenders.append(Peer([options.onednn]))
    results = {}
    for task, network in NATIVE:
        able = []
        for c in contenders:
            try:
                for t in thread_counts():
                    c.seconds(task, network, t)  # warms up; peers look for their fastest way of doing it
                able.append(c)
            except Cannot as error:
                tell(f"  left out: {error}")
        figures = {c.name: {t: [] for t in thread_counts()} for c in able}
        for round_number in range(options.rounds):
            # Nobody is always the one who comes after the same other.
            first = round_number % len(able)
            for c in able[first:] + able[:first]:
                for t in thread_counts():
                    figures[c.name][t].append(c.seconds(task, network, t))
        results[task, network] = figures
        tell(f"  {task} {network}: " + "; ".join(f"{name} " + " / ".join(text_of(statistics.median(v)) for v in by.values())
                                                for name, by in figures.items()))
    for c in contenders:
        c.close()
    return results


def text_of(seconds):
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            break
    value = seconds * factor
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}" if value >= 10 else f"{value:.2f} {unit}"


def table_native(results):
    names = list(dict.fromkeys(name for figures in results.values() for name in figures))
    counts = " / ".join(str(t) for t in thread_counts())
    lines = [f"| {counts} threads | " + " | ".join(names) + " | " + " | ".join(f"faster than {n}" for n in names[1:]) + " |",
             "| --- |" + " ---: |" * (2 * len(names) - 1)]
    ratios = {}
    for (task, network), figures in results.items():
        medians = {n: [statistics.median(v) for v in by.values()] for n, by in figures.items()}
        what = f"{PAGE_NETWORKS[network]}, " + (f"a step of training ({BATCH} images)" if task == "train" else "one prediction")
        own = min(medians[names[0]])
        ratios[f"{task} {network}"] = {n: min(medians[n]) / own for n in names[1:] if n in medians}
        lines.append(f"| {what} | " + " | ".join(" / ".join(text_of(s) for s in medians[n]) if n in medians else "cannot" for n in names) +
                     " | " + " | ".join(f"{min(medians[n]) / own:.2f}x" if n in medians else "-" for n in names[1:]) + " |")
    return lines, ratios


def measure_browser(options):
    command = ["node", str(HERE / "browser/compare.mjs"), "--site", options.site, "--rounds", str(options.rounds)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(answer.stdout)


def table_browser(figures):
    """figures: [{task, network, library, threads, seconds: [...]} or {..., error}]"""
    libraries = ["neurona"] + sorted({f["library"] for f in figures} - {"neurona"})
    shown = {"neurona": "Neurona", "tfjs": "TensorFlow.js (wasm)", "ort": "ONNX Runtime Web (wasm)"}
    lines = ["| in Chromium | threads | " + " | ".join(shown[name] for name in libraries) + " | faster than the better one |",
             "| --- | ---: |" + " ---: |" * (len(libraries) + 1)]
    ratios = {}
    for key in dict.fromkeys((f["task"], f["network"], f["threads"]) for f in figures):
        task, network, threads = key
        row = {f["library"]: f for f in figures if (f["task"], f["network"], f["threads"]) == key}
        medians = {name: statistics.median(f["seconds"]) for name, f in row.items() if "seconds" in f}
        cells = [text_of(medians[n]) if n in medians else ("cannot" if n in row else "") for n in libraries]
        others = [s for name, s in medians.items() if name != "neurona"]
        ratio = f"{min(others) / medians['neurona']:.1f}x" if others else "-"
        if others:
            ratios[f"{task} {network} {threads}"] = min(others) / medians["neurona"]
        what = f"{PAGE_NETWORKS[network]}, " + (f"a step of training ({BATCH} images)" if task == "training" else "one prediction")
        lines.append(f"| {what} | {threads} | " + " | ".join(cells) + f" | {ratio} |")
    return lines, ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("neurona")
    parser.add_argument("--onednn")
    parser.add_argument("--site")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=["native", "browser"])
    options = parser.parse_args()
    if options.rounds < 1:
        fail("--rounds: at least 1.")
    lines = [f"{processor()}, {cores()} cores, {datetime.date.today().isoformat()}; medians of {options.rounds} rounds, everybody in turn.", ""]
    report = {"processor": processor(), "cores": cores(), "date": datetime.date.today().isoformat(), "rounds": options.rounds}
    if options.only != "browser":
        tell("Natively ...")
        results = measure_native(options)
        table, report["native_ratios"] = table_native(results)
        report["native"] = [{"task": task, "network": network, "seconds": figures} for (task, network), figures in results.items()]
        lines += table
    if options.only != "native" and options.site:
        tell("In Chromium ...")
        report["browser"] = measure_browser(options)
        table, report["browser_ratios"] = table_browser(report["browser"])
        lines += ["", *table]
    print("\n".join(lines))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

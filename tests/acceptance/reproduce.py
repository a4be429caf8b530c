#!/usr/bin/env python3
"""Trains what the tutorial trains and prints, as Markdown, its figures beside ours with a verdict: reproduce.py PROGRAM

Progress goes to standard error. Exit status 1 when a row does not hold.
"""
import argparse
import datetime
import os
import pathlib
import platform
import subprocess
import sys
import time

import runs


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine():
    model = platform.processor() or platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (", changed since" if git("status", "--porcelain", "-uno") else "")


def figures(values):
    text = [f"{value:.4f}" if value < 10 else f"{value:.1f}" for value in values]
    return text[0] if len(text) == 1 else f"{min(text)} to {max(text)}"


def main():
    parser = argparse.ArgumentParser(prog="./run reproduce", description="Trains what the tutorial trains, on the complete MNIST, and prints as Markdown its figures beside ours.")
    parser.add_argument("program", help=argparse.SUPPRESS)
    parser.add_argument("--only", metavar="RUN", action="append", choices=runs.RUNS, help="this run alone; may be given several times: " + ", ".join(runs.RUNS))
    options = parser.parse_args()
    names = options.only or list(runs.RUNS)
    started, results, failed, built_from = time.monotonic(), {}, 0, commit()
    for name in names:
        run = runs.RUNS[name]
        say(f"{name}: {commands_text(run)}")
        results[name] = runs.results_of(options.program, run, lambda seed, result, seconds: say(
            f"  seed {seed}: test accuracy {result['test']['accuracy']:.4f}, {len(result['history'])} epochs, {seconds:.0f} s"))
    print("# The tutorial's figures, and ours\n")
    print(f"Made by `./run reproduce` on {datetime.date.today()}: {machine()}; commit {built_from}; "
          f"{(time.monotonic() - started) / 60:.0f} minutes.")
    print("MNIST: 60,000 training images, 10,000 test images. Where several seeds ran, each must hold, unless the mean is asked for.\n")
    print("| | tutorial printed | accepted | ours | seeds | verdict |\n| --- | --- | --- | --- | --- | --- |")
    for row in runs.ROWS:
        if row.run not in results:
            continue
        of_run = results[row.run]
        holds = row.holds(of_run)
        failed += not holds
        accepted = f"{row.low:.4g} to {row.high:.4g}" if row.high != runs.INFINITE else f"above {row.low:.4g}"
        print(f"| {row.what} | {row.tutorial} | {accepted} | {figures(row.judged(of_run))} | {len(of_run)} | {'holds' if holds else '**does not hold**'} |")
    print("\n## The commands\n\n```sh")
    for name in names:
        print("\n".join(runs.commands(runs.RUNS[name], runs.RUNS[name].seeds[0])))
    print("```")
    say(f"{failed} rows do not hold." if failed else "All rows hold.")
    return 1 if failed else 0


def commands_text(run):
    return "; ".join(runs.commands(run, run.seeds[0])) + (f" (and seeds to {run.seeds[-1]})" if len(run.seeds) > 1 else "")


if __name__ == "__main__":
    sys.exit(main())

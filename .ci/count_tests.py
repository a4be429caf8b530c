#!/usr/bin/env python3
"""Counts the test cases in the output of `ctest --verbose`: one line for each failure, then the counts.

Programs of doctest and of Python's unittest count with their own summary lines, any other test as one. A program that
fails without a failed case (a crash, a time-out, a sanitizer's report) counts as one failure.
"""
import re
import sys

DOCTEST = re.compile(r"^(\d+): .*\[doctest\] test cases: +(\d+) *\| *(\d+) passed *\| *(\d+) failed(?: *\| *(\d+) skipped)?")
UNITTEST_RAN = re.compile(r"^(\d+): Ran (\d+) tests? in ")
UNITTEST_END = re.compile(r"^(\d+): (?:OK|FAILED)(?: \((.*)\))?$")
RESULT = re.compile(r"^ *\d+/\d+ Test +#(\d+): (.+?) ?\.{2,}(.*?) +[\d.]+ sec")
FAILED_CASE = re.compile(r"^(\d+): ((?:TEST CASE: +|FAIL: |ERROR: ).*)")
FAILED_CHECK = re.compile(r"^(\d+): (\S+:\d+: ?(?:FATAL )?ERROR: .*|\w*Error: .*|.*(?:ERROR: AddressSanitizer|runtime error|WARNING: ThreadSanitizer).*)")


def main():
    cases, details, case_of, ran = {}, {}, {}, {}
    passed = failed = skipped = 0
    failures = []
    ansi = re.compile(r"\x1b\[[0-9;]*m")
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            line = ansi.sub("", line.rstrip("\n"))
            if match := DOCTEST.match(line):
                total = cases.setdefault(match[1], [0, 0, 0])
                for i in range(3):
                    total[i] += int(match[3 + i] or 0)
            elif match := UNITTEST_RAN.match(line):
                ran[match[1]] = int(match[2])
            elif (match := UNITTEST_END.match(line)) and match[1] in ran:
                told = dict(part.split("=") for part in (match[2] or "").split(", ") if part)
                bad = sum(int(told.get(name, 0)) for name in ("failures", "errors", "unexpected successes"))
                left_out = int(told.get("skipped", 0))
                cases[match[1]] = [max(0, ran.pop(match[1]) - bad - left_out), bad, left_out]
            elif match := FAILED_CASE.match(line):
                case_of[match[1]] = match[2]
            elif match := FAILED_CHECK.match(line):
                details.setdefault(match[1], []).append(f"{case_of.get(match[1], '')}  {match[2]}".strip())
            elif match := RESULT.match(line):
                number, name, result = match[1], match[2], match[3]
                good, bad, left_out = cases.get(number, (0, 0, 0))
                skipped += left_out
                if "Skipped" in result or "Not Run (Disabled)" in result:
                    skipped += 1
                elif "Passed" in result and bad == 0:
                    passed += good if number in cases else 1
                else:
                    passed += good
                    failed += max(bad, 1)
                    failures.append(f"{name}: {result.replace('*', '').strip() or 'failed'}")
                    failures += [f"  {d}" for d in details.get(number, [])[:20]]
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Which lines of the CUDA kernels the battery on the emulator has run.

usage: tests/cuda_coverage.py [--out FILE.md] [--jobs N] [--report-only]

Builds the preset cuda-host-coverage (some six minutes on two cores), forgets
what earlier runs have counted, runs its tests with the label `cuda` (two
minutes), and reports; with --report-only it does the last alone. Counted are
the lines of .cu files and of their headers, X_cuda.h, in the sources as
compiled; a line of a template has run where any instance of it has, and one of
a statement over several lines where a later one of it has. Exit status 1 if a
line has not run and nothing here says why, or if a test has failed.
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESET = "cuda-host-coverage"
BUILD = ROOT / "build" / PRESET

# Why a line does not run on the emulator: (file, part of the line, reason).
EXPLAINED = []


def counts_of(counters):
    """{(file, line): count} of one object's counters."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            ["gcov", "--json-format", "--stdout", str(counters)], cwd=folder,
            capture_output=True, text=True, check=True)
    counts = {}
    for text in result.stdout.splitlines():
        data = json.loads(text)
        compiled_in = pathlib.Path(data["current_working_directory"])
        for file in data["files"]:
            # Headers are included through the build's link to the source.
            path = (compiled_in / file["file"]).resolve()
            if not path.is_relative_to(ROOT):
                continue
            name = str(path.relative_to(ROOT))
            if not name.endswith((".cu", "_cuda.h")):
                continue
            for line in file["lines"]:
                key = (name, line["line_number"])
                counts[key] = max(counts.get(key, 0), line["count"])
    return counts


def merged():
    counts = {}
    files = sorted(BUILD.rglob("*.cu.gcda"))
    if not files:
        sys.exit(f"{BUILD} has no counts")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for of_object in pool.map(counts_of, files):
            for key, count in of_object.items():
                counts[key] = max(counts.get(key, 0), count)
    return statements_completed(counts)


def statements_completed(counts):
    """gcov gives a call over several lines no count at its first one."""
    result = dict(counts)
    for name, first in (key for key, count in counts.items() if count == 0):
        text = (ROOT / name).read_text(encoding="utf-8").splitlines()
        line = first
        while not text[line - 1].endswith((";", "}", " {")):
            line += 1
            result[name, first] = max(result[name, first],
                                      counts.get((name, line), 0))
    return result


def reason(name, text):
    for file, part, why in EXPLAINED:
        if file == name and part in text:
            return why
    return None


def table(counts):
    """The page, the lines that have run, all, and those unexplained."""
    names = sorted({name for name, _ in counts})
    rows, missed, unexplained, run, lines = [], [], 0, 0, 0
    for name in names:
        own = {n: c for (f, n), c in counts.items() if f == name}
        text = (ROOT / name).read_text(encoding="utf-8").splitlines()
        reached = sum(c > 0 for c in own.values())
        rows.append(f"| {name} | {len(own)} | {reached} | "
                    f"{100 * reached / len(own):.1f} |")
        run += reached
        lines += len(own)
        for number in sorted(n for n, c in own.items() if c == 0):
            line = text[number - 1].strip()
            why = reason(name, line)
            unexplained += why is None
            shown = line.replace("|", "\\|")
            missed.append(f"| {name} | `{shown}` | {why or '**none**'} |")
    page = [
        "# Lines of the CUDA kernels that the battery runs", "",
        f"Made by `tests/cuda_coverage.py` on {datetime.date.today()} from a "
        "run of the tests with the label `cuda` on the emulator (preset "
        f"`{PRESET}`). Lines of templates count once, whatever number of "
        "instances they have.", "",
        f"{run} of {lines} lines run, {100 * run / lines:.2f} %.", "",
        "| file | lines | run | % |", "|---|---|---|---|", *rows]
    if missed:
        page += ["", "## Lines that do not run", "",
                 "| file | line | why |", "|---|---|---|", *missed]
    return "\n".join(page) + "\n", run, lines, unexplained


def run_tests(jobs):
    """Whether all pass."""
    for command in (["cmake", "--preset", PRESET],
                    ["cmake", "--build", "--preset", PRESET, "--target",
                     "cuda_battery", "--parallel", str(jobs)]):
        if subprocess.run(command, cwd=ROOT).returncode:
            sys.exit(" ".join(command) + " failed")
    for file in BUILD.rglob("*.gcda"):
        file.unlink()
    return subprocess.run(
        ["ctest", "--preset", PRESET, "--label-regex", "^cuda$",
         "--label-exclude", "long", "--no-tests=error", "--parallel",
         str(jobs)], cwd=ROOT,
        env=dict(os.environ, SIGTAPE_BATTERY="cuda")).returncode == 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report-only", action="store_true")
    arguments = parser.parse_args()
    passed = arguments.report_only or run_tests(arguments.jobs)
    page, run, lines, unexplained = table(merged())
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    print(f"kernel lines: {run} of {lines} run, "
          f"{unexplained} of the others without an explanation")
    if unexplained:
        print("\n".join(row for row in page.splitlines() if "**none**" in row))
    return 1 if unexplained or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

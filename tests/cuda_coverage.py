#!/usr/bin/env python3
"""Which lines of the CUDA kernels the battery on the emulator has run.

usage: tests/cuda_coverage.py BUILD [--out FILE.md] [--reset]

BUILD is a build of the preset cuda-host-coverage whose tests with the label
`cuda` have run. Counted are the lines of .cu files and of their headers,
X_cuda.h, in the sources as compiled; a line of a template has run where any
instance of it has. --reset forgets what earlier runs have counted. Exit status
1 if a line has not run and nothing here says why.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

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


def merged(build):
    counts = {}
    files = sorted(build.rglob("*.cu.gcda"))
    if not files:
        sys.exit(f"{build} has no counts: build the preset cuda-host-coverage "
                 "and run its tests")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for of_object in pool.map(counts_of, files):
            for key, count in of_object.items():
                counts[key] = max(counts.get(key, 0), count)
    return counts


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
        "Made by `tests/cuda_coverage.py` from a run of the tests with the "
        "label `cuda` on the emulator (preset `cuda-host-coverage`). Lines of "
        "templates count once, whatever number of instances they have.", "",
        f"{run} of {lines} lines run, {100 * run / lines:.2f} %.", "",
        "| file | lines | run | % |", "|---|---|---|---|", *rows]
    if missed:
        page += ["", "## Lines that do not run", "",
                 "| file | line | why |", "|---|---|---|", *missed]
    return "\n".join(page) + "\n", run, lines, unexplained


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--reset", action="store_true")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if arguments.reset:
        for file in build.rglob("*.gcda"):
            file.unlink()
        return 0
    page, run, lines, unexplained = table(merged(build))
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    print(f"kernel lines: {run} of {lines} run, "
          f"{unexplained} of the others without an explanation")
    if unexplained:
        print("\n".join(row for row in page.splitlines() if "**none**" in row))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

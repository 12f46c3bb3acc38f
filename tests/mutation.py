#!/usr/bin/env python3
"""Plants faults in the numeric kernels, one at a time, and asks the tests.

A fault that every test passes is one that a wrong kernel could have, too. Works
on a copy of the tracked files in build/mutation, and writes docs/mutations.md.

usage: tests/mutation.py [--jobs N] [--keep] [--only TEXT ...]
  --jobs N    compilers at once (default 2)
  --keep      go on with the copy there is, and with what it has answered
  --only TEXT plant those in files with a TEXT in their name; of the others
              stands what docs/mutations.md says already
"""
import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import time

from mutation_faults import FAULTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutation"
BUILD = COPY / "build" / "release"
ANSWERS = COPY / "answers.json"
REPORT = ROOT / "docs" / "mutations.md"


def call(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)


def prepare(names, jobs):
    """A copy of the tracked files, and the tests that are asked, built."""
    COPY.mkdir(parents=True, exist_ok=True)
    subprocess.run("git ls-files -z | xargs -0 cp --parents -pt build/mutation",
                   shell=True, cwd=ROOT, check=True)
    configured = call(["cmake", "--preset", "release",
                       "-DSIGTAPE_CUDA=OFF", "-DSIGTAPE_EXAMPLES=OFF",
                       "-DSIGTAPE_BENCHMARKS=OFF"],
                      cwd=COPY)
    if configured.returncode:
        sys.exit(configured.stdout)
    built = build(names, jobs)
    if built.returncode:
        sys.exit(built.stdout)
    for name in names:
        if run(name) != 0:
            sys.exit(f"mutation.py: {name} fails before any fault is planted")


def build(names, jobs):
    targets = ["test_" + name.replace(".", "_") for name in names]
    return call(["ninja", "-C", str(BUILD), f"-j{jobs}"] + targets)


def run(name):
    program = BUILD / "tests" / ("test_" + name.replace(".", "_"))
    try:
        return call([str(program), "--gtest_fail_fast"], cwd=COPY,
                    timeout=300).returncode
    except subprocess.TimeoutExpired:
        return -1


def ask(fault, jobs):
    """Returns the test that fails with the fault, or None."""
    file, old, new, names = fault
    path = COPY / file
    text = path.read_text()
    if old not in text:
        return "THE TEXT IS GONE"
    path.write_text(text.replace(old, new, 1))
    try:
        for name in names:
            if build([name], jobs).returncode:
                return "DOES NOT COMPILE"
            if run(name) != 0:
                return name
        return None
    finally:
        path.write_text(text)


def cells(fault):
    def cell(text):
        return " ".join(text.split()).replace("|", "\\|") or "(nothing)"
    file, old, new, _ = fault
    return f" {file} | `{cell(old)}` | `{cell(new)}` |"


def reported():
    """What docs/mutations.md says found a fault, by the fault's cells."""
    found = {}
    for line in REPORT.read_text().splitlines():
        if line.startswith("| ") and line.endswith(" |"):
            fault, killer = line.split("|", 2)[2][:-2].rsplit("| ", 1)
            found[fault + "|"] = None if killer == "**none**" else killer
    return found


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--keep", action="store_true")
    options.add_argument("--only", nargs="+", default=[], metavar="TEXT")
    options = options.parse_args()
    asked = [fault for fault in FAULTS
             if any(text in fault[0] for text in options.only or [""])]
    answers = {}
    if options.keep:
        if ANSWERS.exists():
            answers = json.loads(ANSWERS.read_text())
    else:
        prepare(sorted({name for fault in asked for name in fault[3]}),
                options.jobs)
    before = reported() if options.only else {}
    rows, survivors = "", 0
    for number, fault in enumerate(FAULTS, 1):
        key = "\n".join(fault[:3])
        if fault not in asked:
            answers[key] = before.get(cells(fault))
        elif key not in answers:
            started = time.time()
            answers[key] = ask(fault, options.jobs)
            ANSWERS.write_text(json.dumps(answers))
            print(f"{number}/{len(FAULTS)} {fault[0]}: "
                  f"{answers[key] or 'NOT FOUND'} "
                  f"({time.time() - started:.0f} s)", flush=True)
        survivors += answers[key] is None or answers[key].isupper()
        rows += f"| {number} |{cells(fault)} {answers[key] or '**none**'} |\n"
    found = len(FAULTS) - survivors
    print(f"{found} of {len(FAULTS)} faults found")
    which = ""
    if options.only:
        files = ", ".join(f"`*{text}*`" for text in options.only)
        which = f" (files {files}, the others before)"
    REPORT.write_text(
        "# Faults planted in the kernels\n\n"
        f"`tests/mutation.py`, {datetime.date.today()}{which}: {found} of "
        f"{len(FAULTS)} planted faults make a test fail. One fault at a "
        "time, in a copy; the test named is the first that fails.\n\n"
        "| | file | as it is | fault | found by |\n|---|---|---|---|---|\n"
        + rows)
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()

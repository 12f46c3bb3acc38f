#!/usr/bin/env python3
"""Adds up what gcov counted and writes docs/coverage.md: see coverage.sh.

Lines: every line that gcc made code of, in any program or instance of a
template; covered where any of them ran it. Branches: the outcomes of the
conditions of a line, joined over instances in the same way. Left out is what
gcc inserts for exceptions: edges it marks as taken by one only, a single edge
that is left of a line then, and edges of lines without a condition, where
temporaries are destroyed if a later one fails. A line has a condition if it, or
the one it continues, contains if, for, while, switch, ?, && or ||.

Each line of readers and checkpoints with an outcome that nothing takes must
stand in docs/coverage_branches.md, by its text, with the reason.

usage: coverage.py BUILD_FOLDER [--missing]
  --missing  prints lines and branches that nothing ran instead
"""
import collections
import concurrent.futures
import datetime
import functools
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("framework", "layers", "training")
READERS = ("training/data/", "training/config/", "training/io/")
# Sources of other builds: GPU kernels, and what stands in for them.
OTHER = ("_cuda.h", "/cuda/", "_none.cpp", "_main.cpp")
LEAST_LINES = 95.0


def source_of(name, build):
    """The path inside the project, or None."""
    link = str(build / "include" / "sigtape") + "/"
    path = os.path.normpath(name if os.path.isabs(name) else build / name)
    if path.startswith(link):
        path = str(ROOT / path[len(link):])
    if not path.startswith(str(ROOT) + "/"):
        return None
    path = path[len(str(ROOT)) + 1:]
    if not path.startswith(FOLDERS) or any(part in path for part in OTHER):
        return None
    return path


CONDITION = re.compile(r"\b(if|for|while|switch)\b|\?|&&|\|\|")
LITERAL = re.compile(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'|//.*')


@functools.cache
def conditions(path):
    """The numbers of the lines that have a condition."""
    found, carried = set(), False
    for number, text in enumerate((ROOT / path).read_text().split("\n"), 1):
        text = LITERAL.sub("0", text).strip()
        if carried or CONDITION.search(text):
            found.add(number)
        carried = text.endswith(("&&", "||", "?", "if (", "while (")) or (
            carried and text.endswith(("(", ",")))
    return found


class Counts:
    def __init__(self):
        self.lines = collections.defaultdict(lambda: collections.defaultdict(int))
        # (file, line): by number of edges, the counts of each.
        self.branches = collections.defaultdict(dict)

    def add_line(self, path, line):
        number = line["line_number"]
        self.lines[path][number] += line["count"]
        edges = [b["count"] for b in line["branches"] if not b["throw"]]
        if len(edges) < 2 or number not in conditions(path):
            return
        known = self.branches[path, number].setdefault(len(edges),
                                                       [0] * len(edges))
        for i, count in enumerate(edges):
            known[i] += count

    def add(self, other):
        for path, lines in other.lines.items():
            for number, count in lines.items():
                self.lines[path][number] += count
        for at, kinds in other.branches.items():
            for size, counts in kinds.items():
                known = self.branches[at].setdefault(size, [0] * size)
                for i, count in enumerate(counts):
                    known[i] += count


def counts_of(arguments):
    build, files = arguments
    counts = Counts()
    out = subprocess.run(["gcov", "--stdout", "--json-format",
                          "--branch-probabilities", *files],
                         cwd=build, capture_output=True, check=True).stdout
    for text in out.splitlines():
        for file in json.loads(text)["files"]:
            path = source_of(file["file"], build)
            for line in file["lines"] if path else ():
                counts.add_line(path, line)
    return ({p: dict(lines) for p, lines in counts.lines.items()},
            dict(counts.branches))


def read(build):
    files = sorted(str(p) for p in build.rglob("*.gcda"))
    if not files:
        sys.exit("coverage.py: no counts in " + str(build))
    batches = [(build, files[i:i + 8]) for i in range(0, len(files), 8)]
    all_counts = Counts()
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for lines, branches in pool.map(counts_of, batches):
            part = Counts()
            part.lines, part.branches = lines, branches
            all_counts.add(part)
    return all_counts


def covered_edges(kinds):
    """Covered and all outcomes of a line: of its fullest description."""
    edges = kinds[max(kinds)]
    return sum(count > 0 for count in edges), len(edges)


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


def line_row(counts, prefix):
    files = [p for p in counts.lines if p.startswith(prefix)]
    run = sum(c > 0 for p in files for c in counts.lines[p].values())
    return run, sum(len(counts.lines[p]) for p in files)


def branch_row(counts, path):
    taken = made = 0
    for (file, _), kinds in counts.branches.items():
        if file == path:
            part, whole = covered_edges(kinds)
            taken, made = taken + part, made + whole
    return taken, made


def runs(numbers):
    """[3, 4, 5, 9] as 3-5, 9."""
    parts = []
    for n in sorted(numbers):
        if parts and parts[-1][1] == n - 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def print_missing(counts):
    for path in sorted(counts.lines):
        lines = runs(n for n, c in counts.lines[path].items() if c == 0)
        half = runs(n for (p, n), kinds in counts.branches.items()
                    if p == path and counts.lines[path][n] > 0 and
                    covered_edges(kinds)[0] < covered_edges(kinds)[1])
        if lines:
            print(f"{path}: lines {lines}")
        if half and path.startswith(READERS):
            print(f"{path}: branches at {half}")


def half_lines(counts, path):
    """Lines that ran, with an outcome that nothing took."""
    return sorted(n for (p, n), kinds in counts.branches.items() if p == path
                  and covered_edges(kinds)[0] < covered_edges(kinds)[1])


def explained():
    """(source, text of the line) of every row of coverage_branches.md."""
    page = (ROOT / "docs" / "coverage_branches.md").read_text()
    return set(re.findall(r"^\| (\S+) \| `` (.*?) `` \|", page, re.MULTILINE))


def unexplained(counts):
    known = explained()
    for path in sorted(counts.lines):
        if not path.startswith(READERS):
            continue
        lines = (ROOT / path).read_text().split("\n")
        for number in half_lines(counts, path):
            text = lines[number - 1].strip().replace("|", "\\|")
            if (path, text) not in known:
                yield f"| {path} | `` {text} `` | {number} |"


def report(counts):
    today = datetime.date.today().isoformat()
    text = ["# Coverage", "",
            "Written by `tests/coverage.sh`, the preset `coverage` with every "
            f"test but the slowest, on {today}.", "",
            "Lines in which gcc made code; scalar kernels only, without CUDA. "
            "`tests/coverage.py --help` has the rules of counting.", "",
            "| folder | lines run | of | share |", "|---|---|---|---|"]
    good = True
    for folder in FOLDERS:
        run, all_lines = line_row(counts, folder + "/")
        good = good and share(run, all_lines) >= LEAST_LINES
        text.append(f"| {folder} | {run} | {all_lines} | "
                    f"{share(run, all_lines):.1f} % |")
    text += ["", "Branches of readers and checkpoints. What no test takes is "
             "explained line by line in "
             "[coverage_branches.md](coverage_branches.md).", "",
             "| source | lines | branches taken | of | share | not at lines |",
             "|---|---|---|---|---|---|"]
    taken = made = 0
    for path in sorted(counts.lines):
        if not path.startswith(READERS):
            continue
        part, whole = branch_row(counts, path)
        taken, made = taken + part, made + whole
        half = half_lines(counts, path)
        text.append(f"| {path} | {share(*line_row(counts, path)):.1f} % | "
                    f"{part} | {whole} | {share(part, whole):.1f} % | "
                    f"{runs(half)} |")
    text.append(f"| together | | {taken} | {made} | "
                f"{share(taken, made):.1f} % | |")
    return "\n".join(text) + "\n", good


def main():
    arguments = sys.argv[1:]
    if not arguments or "--help" in arguments:
        print(__doc__)
        return
    counts = read(pathlib.Path(arguments[0]).resolve())
    if "--missing" in arguments:
        return print_missing(counts)
    text, good = report(counts)
    (ROOT / "docs" / "coverage.md").write_text(text)
    print(text)
    missing = list(unexplained(counts))
    if missing:
        sys.exit("coverage.py: not in docs/coverage_branches.md:\n" +
                 "\n".join(missing))
    if not good:
        sys.exit(f"coverage.py: a folder is below {LEAST_LINES} % of its lines")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A table of registers, stack, spills and shared memory of every GPU kernel,
from the compiler's own report.

usage: tests/cuda_registers.py [--architecture sm_90] [--report FILE]
                               [--from FOLDER] BUILD [FILE.cu ...]

BUILD is a configured build tree (for its include folder). Without files all .cu
files of framework/, layers/ and training/ are compiled. --from reads reports
(FILE.txt) of an earlier run, which are also left in BUILD/cuda_registers.
"""
import argparse
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def compile_report(nvcc, architecture, build, source, target):
    command = [nvcc, "-std=c++20", "-O3", f"-arch={architecture}", "-Xptxas",
               "-v", f"-I{build}/include", "-c", source, "-o", "/dev/null"]
    result = subprocess.run([str(c) for c in command], capture_output=True,
                            text=True)
    if result.returncode:
        raise SystemExit(result.stderr)
    target.write_text(result.stderr)


def readable(symbol):
    name = subprocess.run(["c++filt", symbol], capture_output=True,
                          text=True).stdout.strip()
    name = re.sub(r"\(anonymous namespace\)::|\(int\)|^void |sigtape::(cuda::)?",
                  "", name)
    depth = 0
    for i, letter in enumerate(name):  # up to the parameters
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0:
            return name[:i]
    return name


def kernels(text):
    symbol = frame = None
    for line in text.splitlines():
        found = re.search(r"Compiling entry function '(\S+)'", line)
        if found:
            symbol = found[1]
        found = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, "
                          r"(\d+) bytes spill loads", line)
        if found:
            frame = found.groups()
        found = re.search(r"Used (\d+) registers", line)
        if found and symbol:
            shared = re.search(r"(\d+) bytes smem", line)
            yield (readable(symbol), found[1], *frame,
                   shared[1] if shared else "0")
            symbol = None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--architecture", default="sm_90")
    parser.add_argument("--nvcc", default="/usr/local/cuda/bin/nvcc")
    parser.add_argument("--report")
    parser.add_argument("--from", dest="reports", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.reports or arguments.build / "cuda_registers"
    if not arguments.reports:
        folder.mkdir(exist_ok=True)
        sources = arguments.files or sorted(
            f for part in ("framework", "layers", "training")
            for f in (ROOT / part).rglob("*.cu"))
        for source in sources:
            compile_report(arguments.nvcc, arguments.architecture,
                           arguments.build, source,
                           folder / (source.stem + ".txt"))
    lines = [f"# Registers of the GPU kernels ({arguments.architecture})", "",
             "From ptxas (`tests/cuda_registers.py`). Shared memory is the "
             "static part; stack and spills in bytes.", "",
             "| unit | kernel | registers | stack | spill stores | spill loads "
             "| shared |", "|---|---|--:|--:|--:|--:|--:|"]
    for file in sorted(folder.glob("*.txt")):
        for name, *numbers in sorted(kernels(file.read_text())):
            lines.append(f"| {file.stem} | `{name}` | {' | '.join(numbers)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.report:
        pathlib.Path(arguments.report).write_text(text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Registers, shared memory, stack and spills of every CUDA kernel, from the
compiler's report, as a Markdown table.

usage: tests/cuda_resources.py [--arch sm_90] [--nvcc NVCC] [--jobs 2]
                               [--out docs/cuda_kernels.md] [--keep FOLDER]
                               [--reports FOLDER]

Compiles every .cu file of the source tree with nvcc. --reports keeps the
compiler's reports, FILE.txt, and reads those that are there already: remove the
ones whose sources have changed.
"""

import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENTRY = re.compile(r"Compiling entry function '(\w+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, "
                   r"(\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers(?:.*?(\d+) bytes smem)?")


def compiled(source, nvcc, arch, keep):
    """What the compiler says of a file."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "include"
        root.mkdir()
        (root / "sigtape").symlink_to(ROOT)
        result = subprocess.run(
            [nvcc, "-std=c++20", "-O3", f"-arch={arch}", "-DSIGTAPE_CUDA=1",
             "-Xptxas=-v", "-c", f"-I{root}", str(source), "-o",
             str(keep / (source.stem + ".o")) if keep else f"{folder}/out.o"],
            capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{source}: {result.stderr}")
    return result.stderr


def report(source, nvcc, arch, keep, reports):
    """[(mangled name, registers, shared, stack, stores, loads)] of a file."""
    kept = reports / (source.stem + ".txt") if reports else None
    if kept and kept.exists():
        text = kept.read_text(encoding="utf-8")
    else:
        text = compiled(source, nvcc, arch, keep)
        if kept:
            kept.write_text(text, encoding="utf-8")
    kernels, name, stack = [], None, (0, 0, 0)
    for line in text.splitlines():
        if found := ENTRY.search(line):
            name = found[1]
        elif found := STACK.search(line):
            stack = tuple(map(int, found.groups()))
        elif (found := USED.search(line)) and name:
            kernels.append((name, int(found[1]), int(found[2] or 0), *stack))
            name = None
    return kernels


def readable(name):
    """A mangled name without parameters, namespaces and implied types."""
    text = subprocess.run(["c++filt", name], capture_output=True,
                          text=True).stdout.strip()
    depth, end = 0, len(text)
    for i, c in enumerate(text):  # the parameters begin outside of all <>
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0 and not text.startswith("(anonymous", i):
            end = i
            break
    text = text[:end].removeprefix("void ")
    for noise in ("sigtape::", "(anonymous namespace)::", "cuda::", "(int)",
                  "(bool)"):
        text = text.replace(noise, "")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--nvcc",
                        default=shutil.which("nvcc") or
                        "/usr/local/cuda/bin/nvcc")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path,
                        help="a folder for the object files")
    parser.add_argument("--reports", type=pathlib.Path)
    arguments = parser.parse_args()
    sources = sorted(p for folder in ("framework", "layers", "training")
                     for p in (ROOT / folder).rglob("*.cu"))
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        reports = list(pool.map(
            lambda s: report(s, arguments.nvcc, arguments.arch, arguments.keep,
                             arguments.reports),
            sources))
    version = subprocess.run([arguments.nvcc, "--version"],
                             capture_output=True, text=True).stdout
    release = re.search(r"release ([\d.]+)", version)[1]
    count = sum(len(r) for r in reports)
    spilled = sum(bool(k[4] or k[5]) for r in reports for k in r)
    lines = [
        "# CUDA kernels: registers, shared memory, stack, spills", "",
        f"From the report of nvcc {release} for {arguments.arch}, made by "
        f"`tests/cuda_resources.py`: {count} kernels, {spilled} with spills. "
        "Shared memory is the static part; bytes.", "",
        "| file | kernel | registers | shared | stack | spill stores | "
        "spill loads |", "|---|---|---|---|---|---|---|"]
    for source, kernels in zip(sources, reports):
        for name, registers, shared, stack, stores, loads in kernels:
            lines.append(
                f"| {source.relative_to(ROOT)} | `{readable(name)[:90]}` | "
                f"{registers} | {shared} | {stack} | {stores} | {loads} |")
    text = "\n".join(lines) + "\n"
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    print(f"{count} kernels, {spilled} with spills")


if __name__ == "__main__":
    main()

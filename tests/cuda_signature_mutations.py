#!/usr/bin/env python3
"""Plants faults in the signature kernels for GPUs, one at a time, and reports
which of them the tests on the emulator find.

usage: tests/cuda_signature_mutations.py BUILD [--report FILE] [--jobs N]
                               [--only TEXT] [--thread-sanitizer]
       tests/cuda_signature_mutations.py --check

BUILD is a configured and built release tree (its static libraries give the
plain implementations that kernels are compared with). Kernels and tests are
compiled again under the address and undefined-behaviour sanitizers, faults at
float32 only; the first of forward, reverse and random order that fails counts.
With --thread-sanitizer, survivors run once more under that. --check only looks
whether each fault's text stands in its file.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "layers/signature"
BACKWARD = "signature_chain_backward_cuda.cu"
FORWARD = "signature_chain_forward_cuda.cu"
ENDS = "signature_ends_cuda.cu"
CONV = "signature_conv1d_products_cuda.cu"
PIECES = "signature_conv1d_cuda.cu"
PRODUCT = "signature_combine_cuda.cu"
SERIES = "tensor_series_cuda.cu"

# (name, file, text, replacement, which occurrence, test)
FAULTS = [
    ("barrier before the sums over threads removed", BACKWARD,
     "__syncthreads();\n        const BackwardTile", "const BackwardTile", 0, "signature"),
    ("barrier after the sums over threads removed", BACKWARD,
     "}\n        __syncthreads();\n        if (shares > 1)",
     "}\n        if (shares > 1)", 0, "signature"),
    ("barrier for real prefixes only", BACKWARD,
     "__syncthreads();\n        const BackwardTile",
     "if (real) __syncthreads();\n        const BackwardTile", 0, "signature"),
    ("shared memory of one table cut", BACKWARD,
     "(depth + 1) * kBlock * sizeof(T)", "depth * kBlock * sizeof(T)", 0, "signature"),
    ("column of a prefix one thread on", BACKWARD,
     "tables.leaves[threadIdx.x] =", "tables.leaves[threadIdx.x + 1] =", 0, "signature"),
    ("table of letters shifted by a level", BACKWARD,
     "tables.letters[((k - 1) * block + u)", "tables.letters[(k * block + u)", 0, "signature"),
    ("sums read of one share too few", BACKWARD,
     "for (int share = 0; share < shares; ++share)",
     "for (int share = 1; share < shares; ++share)", 0, "signature"),
    ("a share of the words counted twice", BACKWARD,
     "for (std::int64_t l = share; l < tile.count; l += shares)",
     "for (std::int64_t l = 0; l < tile.count; l += shares)", 0, "signature"),
    ("gradient of padding kept", BACKWARD,
     "t + u < true_count ? sum : T(0)", "sum", 0, "signature"),
    ("second tile of prefixes overwrites the first", BACKWARD,
     "first == slice * threads ? value : part + value", "value", 0, "signature"),
    ("adjoint of lower words kept by all threads", BACKWARD,
     "!call.stream && place.owns(k)", "!call.stream", 0, "signature"),
    ("cotangents of a stream forgotten between blocks", BACKWARD,
     "if (!call.stream || !real) continue;", "if (true) continue;", 0, "signature"),
    ("words of other threads overwritten by fillers", BACKWARD,
     "for (std::int64_t i = 0; real && !call.resume && i < d; ++i)",
     "for (std::int64_t i = 0; !call.resume && i < d + 1; ++i)", 0, "signature"),
    ("prefix restored from the piece before", BACKWARD,
     "(b * saved_rows + piece) * lower", "(b * saved_rows + max(piece - 1, std::int64_t{0})) * lower", 0, "signature"),
    ("adjoints of chains not kept between pieces", BACKWARD,
     "[&](auto k) { state_chain[k - 1] = adjoint.at[k]; }",
     "[&](auto k) { state_chain[k - 1] = 0 * adjoint.at[k]; }", 0, "signature_conv1d"),
    ("threads beyond the last word go on", FORWARD,
     "if (thread >= walk.batch * prefixes) return;", "", 0, "signature"),
    ("prefix saved one increment late", FORWARD,
     "done % kChainInterval == 0 ||", "done % kChainInterval == 1 ||", 0, "signature"),
    ("rows of a stream one too far", FORWARD,
     "rows + (t + u - walk.begin) * columns", "rows + (t + u + 1 - walk.begin) * columns", 0, "signature"),
    ("leaves start from the row they write", FORWARD,
     "call.stream ? row - columns : row", "row", 0, "signature"),
    ("increments beyond the walk's end used", FORWARD,
     "if (u >= steps) continue;\n        sum +=", "sum +=", 0, "signature"),
    ("sign of the antipode lost", FORWARD,
     "const T leaf_sign = place.template sign<T>(place.depth);",
     "const T leaf_sign = 1;", 0, "signature"),
    ("gradient of a point from one side only", ENDS,
     "from.at(b, point - 1 + based, i) - from.at(b, point + based, i)",
     "from.at(b, point - 1 + based, i)", 0, "signature"),
    ("only the first slice summed", ENDS,
     "for (std::int64_t s = 0; s < slices; ++s)", "for (std::int64_t s = 0; s < 1; ++s)", 0, "signature"),
    ("shared basepoint: last path left out", ENDS,
     "b < (shared ? from.batch : row + 1)", "b < (shared ? from.batch - 1 : row + 1)", 0, "signature"),
    ("initial's gradient read from the wrong link", ENDS,
     "chain[q * links + level - 1]", "chain[q * links + level % links]", 0, "signature"),
    ("increment gradients read past the last", ENDS,
     "if (t < 0 || t >= count) return 0;", "if (t < 0) return 0;", 0, "signature"),
    ("barrier before the sum of warps removed", CONV,
     "  __syncthreads();\n  const int r =", "  const int r =", 0, "signature_conv1d"),
    ("partial sums of a warp left out", CONV,
     "for (int part = 0; part < kThreads / 32; ++part)",
     "for (int part = 1; part < kThreads / 32; ++part)", 0, "signature_conv1d"),
    ("partial sums one warp too far", CONV,
     "partial[warp][r * kOutputs + o] = total", "partial[warp + 1][r * kOutputs + o] = total", 0, "signature_conv1d"),
    ("shared array of partial sums cut", CONV,
     "T[kThreads / 32][kTimes * kOutputs]", "T[kThreads / 32][kTimes * kOutputs - 8]", 0, "signature_conv1d"),
    ("rows that read padding kept", CONV,
     "if (r < 0 || r >= own) continue;", "if (r < 0) continue;", 0, "signature_conv1d"),
    ("taps in reverse", CONV,
     "const std::int64_t r = t - tap - k;", "const std::int64_t r = t - tap + k;", 0, "signature_conv1d"),
    ("words beyond the last written", CONV,
     "if (word + w * kThreads < sizes.words)", "if (word + w * kThreads <= sizes.words)", 0, "signature_conv1d"),
    ("weight's gradient of the last piece only", CONV,
     "accumulate ? part + sum[k][o][w] : sum[k][o][w]", "sum[k][o][w]", 0, "signature_conv1d"),
    ("bias gradient before the barrier", CONV,
     "sum = collect_block<kThreads>(sum, Plus());", "sum = collect_warp(sum, Plus());", 0, "signature_conv1d"),
    ("one array for both pieces of the stream", PIECES,
     "rows = before;", "", 0, "signature_conv1d"),
    ("walk starts from the second to last row", PIECES,
     "before + (kPiece - 1) * words_", "before + (kPiece - 2) * words_", 0, "signature_conv1d"),
    ("product: prefix and suffix exchanged", PRODUCT,
     "word.number / tail", "word.number % tail", 0, "algebra"),
    ("product's adjoint: one level left out", PRODUCT,
     "word.level > 0 && n <= s.depth", "word.level > 0 && n < s.depth", 0, "algebra"),
    ("series: gradient of lower products lost", SERIES,
     "to = accumulate ? to + sum : sum", "to = sum", 0, "algebra"),
    ("series: substitution one row early", SERIES,
     "for (std::int64_t i = 0; i < count; ++i) {\n      T sum = z[i];",
     "for (std::int64_t i = 0; i < count - 1; ++i) {\n      T sum = z[i];", 0, "algebra"),
    ("series: partial products swapped too early", SERIES,
     "dz = {current, below};\n      T* const swapped", "dz = {other, below};\n      T* const swapped", 0, "algebra"),
]

# Why a fault that no test finds is none, or needs a device.
EXPLAINED = {
    "series: substitution one row early":
        "The row left out, that of the last Lyndon word, is empty: no other "
        "Lyndon word has the same letters.",
}

COMMON = ["-std=c++20", "-O1", "-g1", "-w", "-fno-omit-frame-pointer",
          "-DSIGTAPE_CUDA=1", "-DSIGTAPE_CUDA_HOST=1"]
ADDRESS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREAD = ["-fsanitize=thread"]
TESTS = {
    "signature": ["-CudaSignature.EveryCombination*", "*"],
    "signature_conv1d": ["*Around*"],
    "algebra": ["*"],
}


def run(command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True,
                          text=True, errors="replace", **options)


def must(command):
    result = run(command)
    if result.returncode:
        raise SystemExit(" ".join(map(str, command)) + "\n" + result.stderr)


class Builder:
    """Objects of the unchanged sources, under one kind of sanitizer."""

    def __init__(self, build, folder, sanitizer):
        self.folder = folder
        self.includes = ["-I" + str(build / "include"), "-I" + str(ROOT / "tests")]
        self.flags = COMMON + sanitizer
        self.libraries = [build / "tests/libsigtape_test_support.a",
                          build / "layers/libsigtape_layers.a",
                          build / "framework/libsigtape_framework.a"]
        self.objects = {}
        folder.mkdir(parents=True, exist_ok=True)

    def compile(self, source, target, extra=()):
        language = ["-xc++"] if source.suffix == ".cu" else []
        return ["ccache"] * bool(shutil.which("ccache")) + [
            "g++", *self.flags, *extra, *self.includes, *language, "-c", source,
            "-o", target]

    def baseline(self, jobs):
        sources = sorted(KERNELS.glob("*.cu"))
        sources += [ROOT / "framework/cuda/runtime_host.cpp"]
        sources += [ROOT / f"tests/layers/cuda/{t}_test.cpp" for t in TESTS]
        host = [ROOT / f"framework/cuda/host/{n}.cpp" for n in (
            "capture", "emulator", "fiber", "guard", "injection", "streams")]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for source in sources + host:
                target = self.folder / (source.name + ".o")
                self.objects[source.name] = target
                extra = ["-fno-sanitize=thread", "-O2"] if source in host else []
                pool.submit(must, self.compile(source, target, extra))

    def link(self, test, mutant, binary):
        others = [o for name, o in self.objects.items()
                  if not name.endswith("_test.cpp")]
        # The mutant's float32 kernels come first and win.
        return run(["g++", *self.flags, *([mutant] if mutant else []),
                    self.objects[f"{test}_test.cpp"], *others,
                    *self.libraries, *self.libraries, "-Wl,-z,muldefs", "-ldnnl",
                    "-lgtest", "-lgtest_main", "-lboost_context", "-lpthread",
                    "-o", binary])


def verdict(binary, order, tests):
    environment = dict(os.environ, SIGTAPE_CUDA_ORDER=order,
                       ASAN_OPTIONS="detect_leaks=0",
                       TSAN_OPTIONS="halt_on_error=1:exitcode=66")
    try:
        result = run([binary, f"--gtest_filter={tests}",
                      "--gtest_fail_fast=1", "--gtest_brief=1"],
                     env=environment, timeout=900)
    except subprocess.TimeoutExpired:
        return "does not end"
    text = result.stdout + result.stderr
    if result.returncode == 0:
        return None
    for pattern, name in ((r"AddressSanitizer:? ([\w-]+)", "address sanitizer: "),
                          (r"ThreadSanitizer: ([\w ]+?) \(", "thread sanitizer: "),
                          (r"runtime error: (\w+ \w+)", "undefined behaviour: "),
                          (r"thread \(\d+,\d+,\d+\): ([^\n]{3,40})", "emulator: ")):
        found = re.search(pattern, text)
        if found:
            return name + found[1]
    return "wrong values"


def planted(fault):
    name, file, old, new, which, _ = fault
    text = (KERNELS / file).read_text()
    pieces = text.split(old)
    if len(pieces) < which + 2:
        raise SystemExit(f"{file} has no '{old}' for '{name}'")
    text = old.join(pieces[:which + 1]) + new + old.join(pieces[which + 1:])
    for other in ("double", "Dual<float>", "Dual<double>"):
        text = text.replace(f"INSTANTIATE({other})\n", "")
    return text


def try_fault(builder, number, fault, orders=("forward", "reverse", "random")):
    source = builder.folder / f"fault{number}.cu"
    source.write_text(planted(fault))
    mutant = builder.folder / f"fault{number}.o"
    result = run(builder.compile(source, mutant))
    if result.returncode:
        raise SystemExit(f"{fault[0]}: does not compile: {result.stderr[:2000]}")
    binary = builder.folder / f"fault{number}"
    result = builder.link(fault[5], mutant, binary)
    if result.returncode:
        raise SystemExit(f"{fault[0]}: does not link: {result.stderr[:2000]}")
    found = None
    for tests in TESTS[fault[5]]:
        for order in orders:
            found = verdict(binary, order, tests)
            if found:
                break
        if found:
            found = f"{found} ({order})"
            break
    binary.unlink()
    return found


def report(rows, file):
    caught = sum(r is not None for _, r in rows)
    lines = ["# Faults planted in the GPU kernels", "",
             "What the tests on the emulator find of faults planted one at a "
             "time (`tests/cuda_signature_mutations.py`).", "",
             f"{caught} of {len(rows)} found.", "",
             "| file | fault | found by |", "|---|---|---|"]
    for fault, found in rows:
        lines.append(f"| {fault[1]} | {fault[0]} | {found or '**not found**'} |")
    missed = [f for f, found in rows if found is None]
    if missed:
        lines += ["", "## Not found", ""]
        for fault in missed:
            lines += [f"- {fault[0]}: "
                      + EXPLAINED.get(fault[0], "no explanation yet."), ""]
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    if file:
        pathlib.Path(file).write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--report")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="")
    parser.add_argument("--thread-sanitizer", action="store_true")
    arguments = parser.parse_args()
    faults = [f for f in FAULTS if arguments.only in f[0] + f[1]]
    for fault in faults:
        planted(fault)
    if arguments.check:
        print(f"{len(faults)} of {len(faults)} texts found")
        return
    if not arguments.build:
        parser.error("BUILD is missing")
    with tempfile.TemporaryDirectory() as folder:
        builder = Builder(arguments.build.resolve(),
                          pathlib.Path(folder) / "address", ADDRESS)
        builder.baseline(arguments.jobs)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            found = []
            for i, result in enumerate(pool.map(
                    lambda n: try_fault(builder, n, faults[n]),
                    range(len(faults)))):
                print(f"{faults[i][0]}: {result}", flush=True)
                found.append(result)
        if arguments.thread_sanitizer and None in found:
            threads = Builder(arguments.build.resolve(),
                              pathlib.Path(folder) / "thread", THREAD)
            threads.baseline(arguments.jobs)
            for i, fault in enumerate(faults):
                if found[i] is None:
                    found[i] = try_fault(threads, i, fault, ("forward",))
        report(list(zip(faults, found)), arguments.report)


if __name__ == "__main__":
    main()

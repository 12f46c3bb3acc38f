"""What every experiment shares: where its files stand, rows that survive an
interruption, the machine's data, tables and plots."""

import concurrent.futures
import csv
import datetime
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import threading
import time

from .running import Programs, Stopped, busy_seconds

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent


def text_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def cpu_name():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [l.split(":", 1)[1].strip() for l in lines
             if l.startswith("model name")]
    return names[0] if names else platform.machine()


PEER_PACKAGES = ("pysiglib", "signatory", "iisignature", "signax",
                 "keras-sig", "torch", "jax", "numpy")


def peer_versions(folder):
    """{environment: {package: version}} of what peers/setup.sh installed."""
    script = "\n".join((
        "import importlib.metadata, json", "found = {}",
        "for d in importlib.metadata.distributions():",
        "    name = d.metadata['Name'].lower().replace('_', '-')",
        f"    if name in {PEER_PACKAGES!r}: found[name] = d.version",
        "print(json.dumps(found))"))
    found = {}
    for environment in ("modern", "signatory"):
        text = text_of([folder / environment / "bin" / "python", "-c", script])
        if text:
            found[environment] = json.loads(text)
    return found


def processors():
    """How many this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def jobs_of(arguments):
    """How many rows to make at once where their times are not the result: as
    many as have a processor for each of their threads, one on a GPU."""
    if arguments.jobs:
        return arguments.jobs
    if arguments.device != "cpu":
        return 1
    return max(1, processors() // max(1, arguments.threads))


class Experiment:
    """One run of one experiment: its options, rows and files.

    Rows are kept in WORK/rows.jsonl as they are made, so that a run that was
    stopped goes on where it was; `row(key, make)` makes a row once, and `rows`
    makes several at once, where what they measure is no time. A failure is a
    row too, with its message under "error".
    """

    def __init__(self, name, arguments):
        self.name, self.quick = name, arguments.quick
        self.build, self.device = arguments.build.resolve(), arguments.device
        self.threads, self.peers = arguments.threads, arguments.peers
        self.measured = arguments.rows and arguments.rows.resolve()
        self.prefix = shlex.split(arguments.prefix)
        self.jobs, self.shared = jobs_of(arguments), False
        self.programs, self.lock = Programs(), threading.Lock()
        kind = "quick" if self.quick else "full"
        self.work = arguments.work.resolve() / kind / name
        self.results = (self.work if self.quick else
                        arguments.out.resolve())
        if arguments.fresh and self.work.exists():
            for file in ("rows.jsonl", "comparison.csv"):
                (self.work / file).unlink(missing_ok=True)
        self.work.mkdir(parents=True, exist_ok=True)
        self.results.mkdir(parents=True, exist_ok=True)
        self.rows_file = self.work / "rows.jsonl"
        self.done = {}
        if self.rows_file.exists():
            for line in self.rows_file.read_text().splitlines():
                row = json.loads(line)
                self.done[row["key"]] = row

    def row(self, key, make):
        if key in self.done and "error" not in self.done[key]:
            return self.done[key]
        started = time.monotonic()
        try:
            row = dict(make())
        except Stopped:
            raise
        except Exception as error:  # a failure is a result
            row = {"error": str(error).strip()[-400:]}
        row = {"key": key, **row,
               "wall_seconds": round(time.monotonic() - started, 3),
               "ended": round(time.time(), 3)}
        shown = {k: v for k, v in row.items() if k not in ("key", "ended")}
        with self.lock:
            self.done[key] = row
            with open(self.rows_file, "a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{self.name}: {key}: {shown}", flush=True)
        return row

    def rows(self, makers):
        """The row of each (key, make), in this order, up to `jobs` of them
        made at once. Stopped by a signal, it ends what runs."""
        self.shared = True
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self.row, *maker) for maker in makers]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.programs.stop()
                raise

    def duration(self):
        """A sentence: how long the rows took, and how many at once."""
        seconds = busy_seconds(self.done.values())
        return (f"The experiment took {seconds:.0f} s "
                f"({seconds / 60:.1f} minutes) with up to {self.jobs} at once, "
                f"each on {self.threads} thread(s).")

    # ---- programs

    def run(self, *command):
        """Runs a program; its stdout. Raises with its message if it fails."""
        return self.programs.run([*self.prefix, *map(str, command)], ROOT)

    def program(self, name, **options):
        """The last line of an experiment's program, as JSON if it is."""
        out = self.run(self.build / "experiments" / f"experiment_{name}",
                       *(f"{k}={v}" for k, v in options.items()))
        last = out.strip().splitlines()[-1] if out.strip() else "{}"
        return json.loads(last) if last.startswith("{") else {}

    def train(self, config, folder, *sets):
        """Trains a configuration and evaluates it on its test data."""
        sigtrain = self.build / "sigtrain"
        run = self.work / folder
        if run.exists():
            self.run("rm", "-r", run)
        started = time.monotonic()
        self.run(sigtrain, "train", config, "--run-dir", run, "--device",
                 self.device, "--threads", self.threads,
                 *(part for s in sets for part in ("--set", s)))
        seconds = time.monotonic() - started
        return {**self.evaluate(folder), "training_seconds": round(seconds, 3)}

    def evaluate(self, folder):
        return json.loads(self.run(self.build / "sigtrain", "eval",
                                   self.work / folder, "--json", "--threads",
                                   self.threads))

    # ---- results

    def metadata(self, **more):
        gpu = text_of(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
        peak = {}
        try:
            peak = json.loads(self.run(
                self.build / "benchmarks" / "benchmark_fma_peak"))
        except (RuntimeError, OSError, ValueError):
            pass
        return {
            "experiment": self.name, "cpu": cpu_name(),
            "cpus": os.cpu_count(), "isa": peak.get("isa"),
            "fma_peak_gfma": peak.get("float32"), "gpu": gpu or None,
            "device": self.device, "threads": self.threads,
            **({"at_once": self.jobs, "wall_seconds": round(busy_seconds(
                self.done.values()), 1)} if self.shared else {}),
            "commit": text_of(["git", "rev-parse", "HEAD"]),
            "date": datetime.date.today().isoformat(),
            "peers": peer_versions(self.peers.absolute()),
            "sigtrain": text_of([self.build / "sigtrain", "--version"]),
            "system": platform.platform(), "python": platform.python_version(),
            **more}

    def write(self, rows, table, **more):
        """NAME.csv, NAME.json and NAME.md."""
        rows = [{k: v for k, v in row.items() if k != "ended"} for row in rows]
        columns = []
        for row in rows:
            columns += [k for k in row if k not in columns]
        with open(self.results / f"{self.name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        (self.results / f"{self.name}.json").write_text(
            json.dumps(self.metadata(**more), indent=1) + "\n")
        (self.results / f"{self.name}.md").write_text(table.rstrip() + "\n")
        print(table)
        failed = [r["key"] for r in rows if "error" in r]
        if failed:
            print(f"{self.name}: failed: {', '.join(failed)}", file=sys.stderr)
        return not failed

    def plot(self, draw, width=7.0, height=4.4, columns=1, lines=1):
        """draw(axes) on a new figure, saved as NAME.png and NAME.svg."""
        try:
            import matplotlib
            matplotlib.use("Agg")
            import matplotlib.pyplot as plt
        except ImportError:
            print(f"{self.name}: matplotlib is missing: no plot",
                  file=sys.stderr)
            return
        plt.rcParams["svg.hashsalt"] = "sigtape"
        figure, axes = plt.subplots(lines, columns, figsize=(width, height))
        draw(axes)
        figure.tight_layout()
        for kind in ("png", "svg"):
            figure.savefig(self.results / f"{self.name}.{kind}", dpi=110,
                           metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)


def write_report(results, names):
    """RESULTS.md of the tables of `results`, in the order of `names`."""
    parts = ["# Results", "",
             "Written by `benchmarks/reproduce` from the files in `results/`: a "
             "CSV of every row, failures too, a JSON of the machine, and plots "
             "of each experiment."]
    for name in names:
        table = results / f"{name}.md"
        if not table.exists():
            continue
        text = table.read_text().replace("](" + name + ".png)",
                                         f"](results/{name}.png)")
        machine = json.loads((results / f"{name}.json").read_text())
        parts += ["", text.replace("# ", "## ", 1).rstrip(), "",
                  f"`benchmarks/reproduce {name}`, {machine['date']}, "
                  f"{machine['cpu']}, {machine['isa']}, {machine['threads']} "
                  f"thread(s), commit {machine['commit'][:10]}."]
    (results.parent / "RESULTS.md").write_text("\n".join(parts) + "\n")


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else float("nan")


def spread(values):
    """The population standard deviation."""
    values, centre = list(values), mean(values)
    return mean((v - centre) ** 2 for v in values) ** 0.5


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, r)) + " |"
                              for r in rows])

"""Timings of signatures and training steps against the published tables and the
peers that are installed: benchmarks/compare_*.py on the cases of each paper."""

import math
import sys

from .common import BENCHMARKS, markdown, read_csv

sys.path.insert(0, str(BENCHMARKS / "peers"))
from cases import GROUPS  # noqa: E402  a folder of the comparisons


def compare(experiment, script, kind, *arguments):
    """Runs a comparison, or goes on with it; its rows. With --rows they are
    those that run_all.sh has measured into that folder."""
    threads = experiment.threads
    if experiment.measured and not experiment.quick:
        name = f"{kind}-{threads}thread{'s' if threads > 1 else ''}.csv"
        return read_csv(experiment.measured / name)
    out = experiment.work / "comparison"
    quick = ["--rounds", "1", "--budget", "0.05"] if experiment.quick else []
    experiment.run(sys.executable, BENCHMARKS / script, "--peers",
                   experiment.peers.resolve(), "--build", experiment.build,
                   "--threads", threads, "--out", out, *arguments, *quick)
    return read_csv(out.with_suffix(".csv"))


def failures(row):
    """{"NAME_error": message} of those that failed in a row."""
    return {k: v for k, v in row.items() if k.endswith("_error") and v}


def failed_lines(rows):
    """A paragraph that names what failed where; nothing if nothing did."""
    lines = [f"- {name[:-len('_error')]} at "
             f"({', '.join(map(str, case_of(row)))}): {message}"
             for row in rows for name, message in failures(row).items()]
    return ["Failed:", "", *lines, ""] if lines else []


def peers_of(row, part):
    """Milliseconds of every peer, ours left out."""
    end = "_" + part
    return {k[:-len(end)]: 1e3 * float(v) for k, v in row.items()
            if k.endswith(end) and v and not k.startswith("sigtape")}


def ours_of(row, part):
    """Our milliseconds, under the fastest instruction set."""
    end = "_" + part
    return min((1e3 * float(v) for k, v in row.items()
                if k.startswith("sigtape-") and k.endswith(end) and v),
               default=math.nan)


def best_of(times):
    return min(times.items(), key=lambda item: item[1]) if times else None


def case_of(row):
    return tuple(int(row[k]) for k in ("batch", "length", "channels", "depth"))


def geometric(values):
    values = [v for v in values if v > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values \
        else math.nan


def summary(rows, part):
    """Least and geometric mean of times the best peer; "" without peers."""
    ratios = [best[1] / ours_of(r, part) for r in rows
              if (best := best_of(peers_of(r, part)))]
    if not ratios:
        return ""
    name = {"forward": "forward", "both": "forward + backward",
            "step": "step"}[part]
    return (f"{name}: least {min(ratios):.1f}, geometric mean "
            f"{geometric(ratios):.1f} times the best peer")


def sweep_places(cases):
    """Numbers of the cases in turn, None between one sweep and the next: where
    some size falls."""
    places = []
    for i, case in enumerate(cases):
        if i and any(a < b for a, b in zip(case, cases[i - 1])):
            places.append(None)
        places.append(i)
    return places


def signature_table(experiment, group, title, published=None, note=""):
    group = "quick" if experiment.quick else group
    rows = []

    def make():
        cases = set(GROUPS[group])
        rows.extend(r for r in compare(
            experiment, "compare_signatures.py", "signatures", "--groups",
            group) if case_of(r) in cases)
        return {"cases": len(rows)}

    if "error" not in experiment.done.get("comparison", {"error": ""}):
        make()
    state = experiment.row("comparison", make)
    if "error" in state or not rows:
        return experiment.write([state], f"# {title}\n\nfailed: "
                                + state.get("error", "no rows"))
    result, lines, slower = [], [], []
    for row in rows:
        case = case_of(row)
        forward = ours_of(row, "forward")
        both = ours_of(row, "both")
        best, best_both = (best_of(peers_of(row, p)) for p in
                           ("forward", "both"))
        entry = {"key": "-".join(map(str, case)), **dict(zip(
            ("batch", "length", "channels", "depth"), case)),
            "forward_ms": forward, "forward_backward_ms": both}
        for part in ("forward", "both"):
            for name, time in peers_of(row, part).items():
                entry[f"{name}_{part}_ms"] = time
        entry |= failures(row)
        line = [", ".join(map(str, case)), f"{forward:.4g}"]
        if published:
            reference = best_of(published.get(case, {}))
            entry["published_ms"] = reference[1] if reference else ""
            line.append(f"{reference[1]:.4g} ({reference[0]})" if reference
                        else "-")
            line.append(f"{reference[1] / forward:.1f}" if reference else "-")
            if reference and reference[1] < forward:
                slower.append(line[0])
        line.append(f"{best[1] / forward:.1f} ({best[0]})" if best else "-")
        line += [f"{both:.4g}", f"{best_both[1] / both:.1f} ({best_both[0]})"
                 if best_both else "-"]
        result.append(entry)
        lines.append(line)
    head = ["batch, length, channels, depth", "forward, ms",
            *(["best published CPU figure, ms", "times the published"]
              if published else []),
            "times the best peer", "forward + backward, ms",
            "times the best peer"]
    sums = [s for part in ("forward", "both") if (s := summary(rows, part))]
    text = "\n".join([
        f"# {title}", "",
        f"float32, {experiment.threads} thread(s), minimum of interleaved "
        "repeats; peers of the same run (- where none is installed). " + note,
        "", markdown(head, lines), "",
        *(["; ".join(sums).capitalize() + ".", ""] if sums else []),
        *(["Slower than the published figure: " + "; ".join(slower) + ".", ""]
          if slower else []),
        *failed_lines(rows), f"![plot]({experiment.name}.png)"])

    def draw(axis):
        names = [", ".join(map(str, case_of(r))) for r in rows]
        places = sweep_places([case_of(r) for r in rows])

        def line(of, **style):
            axis.plot([math.nan if i is None else i for i in places],
                      [math.nan if i is None else of(rows[i])
                       for i in places], "o-", **style)

        line(lambda r: ours_of(r, "both"), linewidth=2.5, label="sigtape")
        for peer in peers_of(rows[0], "both"):
            line(lambda r, peer=peer: peers_of(r, "both").get(peer, math.nan),
                 linewidth=1, label=peer)
        axis.set_yscale("log")
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right",
                        fontsize=7)
        axis.set_ylabel("forward + backward, ms")
        axis.set_xlabel("batch, length, channels, depth")
        axis.legend(ncol=6, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axis.grid(True, axis="y", alpha=0.3)

    experiment.plot(draw, width=9, height=5.4)
    return experiment.write(result, text)


def keras_sig_signature(experiment):
    published = {}
    for r in read_csv(BENCHMARKS / "paper" / "keras_sig_signature.csv"):
        if r["device"] == "cpu" and r["milliseconds"]:
            published.setdefault(case_of(r), {})[r["implementation"]] = float(
                r["milliseconds"])
    return signature_table(
        experiment, "keras-sig",
        "Signatures on the cases of the Keras Sig paper", published,
        "The three sweeps share a case: 13 are left of the 15 rows. Published: "
        "forward only, mean of 10 calls, a Ryzen 9 5900X with 12 cores; its "
        "Signatory, iisignature and esig are float64 and include copies.")


def keras_sig_training(experiment):
    published = {}
    for r in read_csv(BENCHMARKS / "paper" / "keras_sig_training.csv"):
        if r["device"] == "cpu" and r["training_seconds"]:
            key = tuple(int(r[k]) for k in ("length", "sig_input_size",
                                            "depth"))
            published.setdefault(key, {})[r["implementation"]] = float(
                r["training_seconds"])
    rows = []

    def make():
        rows.extend(r for r in compare(
            experiment, "compare_training.py", "training", "--models",
            "quick" if experiment.quick else "keras-sig")
            if r["model"] == "keras-sig")
        return {"cases": len(rows)}

    if "error" not in experiment.done.get("comparison", {"error": ""}):
        make()
    state = experiment.row("comparison", make)
    title = "# Training on the cases of the Keras Sig paper"
    if "error" in state or not rows:
        return experiment.write([state], f"{title}\n\nfailed: "
                                + state.get("error", "no rows"))
    result, lines, sums = [], [], {}
    for row in rows:
        _, length, size, depth = case_of(row)
        ours = ours_of(row, "step")
        best = best_of(peers_of(row, "step"))
        paper = published.get((length, size, depth), {})
        for name, seconds in {**paper, "sigtape": ours}.items():
            sums[name] = sums.get(name, 0) + seconds
        reference = best_of(paper)
        result.append({"key": f"{length}-{size}-{depth}", "length": length,
                       "size": size, "depth": depth, "seconds": ours,
                       **{f"{n}_seconds": t for n, t in
                          peers_of(row, "step").items()},
                       **{f"published_{n}": t for n, t in paper.items()},
                       **failures(row)})
        lines.append((length, size, depth, f"{ours:.3f}",
                      f"{reference[1]:.1f} ({reference[0]})" if reference
                      else "-", f"{reference[1] / ours:.0f}" if reference
                      else "-", f"{best[1] / ours:.1f} ({best[0]})" if best
                      else "-"))
    total = sums.get("sigtape", math.nan)
    against = summary(rows, "step")
    text = "\n".join([
        title, "", f"Seconds of 1000 steps of 128 (10 epochs) from the least "
        f"time of a step, {experiment.threads} thread(s), float32, beside the "
        "published CPU figures (Ryzen 9 5900X, 12 cores; those of the Keras "
        "backends include compilation, Signatory's a sample-by-sample "
        "loader).", "",
        markdown(["length", "size", "depth", "ours, s", "best published, s",
                  "times", "times the best peer of this run"], lines), "",
        f"Sum of {len(lines)} rows: ours {total:.1f} s; published: " + ", ".join(
            f"{n} {s:.0f} s ({s / total:.0f} times)"
            for n, s in sums.items() if n != "sigtape") + ".", "",
        *([against.capitalize() + ".", ""] if against else []),
        *failed_lines(rows), "![plot](keras-sig-training.png)"])

    def draw(axis):
        names = [r["key"] for r in result]
        axis.plot([r["seconds"] for r in result], "o-", linewidth=2.5,
                  label="sigtape")
        for key in sorted({k for r in result for k in r
                           if k.startswith("published_")}):
            axis.plot([r.get(key, math.nan) for r in result], "o-",
                      linewidth=1, label=key.replace("_", " ", 1))
        axis.set_yscale("log")
        axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axis.set_xlabel("length - size - depth")
        axis.set_ylabel("seconds of 1000 steps")
        axis.legend(ncol=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axis.grid(True, axis="y", alpha=0.3)

    experiment.plot(draw, width=11, height=5.6)
    return experiment.write(result, text)

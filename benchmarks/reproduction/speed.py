"""Timings of signatures and training steps against the published tables and the
peers that are installed: benchmarks/compare_*.py on the cases of each paper."""

import math
import sys

from .common import BENCHMARKS, markdown, read_csv


def compare(experiment, script, *arguments):
    """Runs a comparison once; its rows."""
    out = experiment.work / "comparison"
    if not out.with_suffix(".csv").exists():
        quick = ["--rounds", "1", "--budget", "0.05"] if experiment.quick \
            else []
        experiment.run(sys.executable, BENCHMARKS / script, "--peers",
                       experiment.peers.resolve(), "--build", experiment.build,
                       "--threads", experiment.threads, "--out", out,
                       *arguments, *quick)
    return read_csv(out.with_suffix(".csv"))


def peers_of(row, part):
    """Milliseconds of every peer, ours left out."""
    end = "_" + part
    return {k[:-len(end)]: 1e3 * float(v) for k, v in row.items()
            if k.endswith(end) and v and not k.startswith("sigtape")}


def ours_of(row, part):
    """Our milliseconds, under the fastest instruction set."""
    end = "_" + part
    return min(1e3 * float(v) for k, v in row.items()
               if k.startswith("sigtape-") and k.endswith(end) and v)


def best_of(times):
    return min(times.items(), key=lambda item: item[1]) if times else None


def case_of(row):
    return tuple(int(row[k]) for k in ("batch", "length", "channels", "depth"))


def signature_table(experiment, groups, title, published=None):
    rows = []

    def make():
        rows.extend(compare(experiment, "compare_signatures.py", "--groups",
                            groups))
        return {"cases": len(rows)}

    state = experiment.row("comparison", make)
    if not rows and "error" not in state:
        rows = compare(experiment, "compare_signatures.py", "--groups", groups)
    if "error" in state:
        return experiment.write([state], f"# {title}\n\nfailed: "
                                + state["error"])
    result, lines = [], []
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
        line = [", ".join(map(str, case)), f"{forward:.4g}"]
        if published:
            reference = best_of(published.get(case, {}))
            entry["published_ms"] = reference[1] if reference else ""
            line.append(f"{reference[1]:.4g} ({reference[0]})" if reference
                        else "-")
        line.append(f"{best[1] / forward:.1f} ({best[0]})" if best else "-")
        line += [f"{both:.4g}", f"{best_both[1] / both:.1f} ({best_both[0]})"
                 if best_both else "-"]
        result.append(entry)
        lines.append(line)
    head = ["batch, length, channels, depth", "forward, ms",
            *(["best published CPU figure, ms"] if published else []),
            "times the best peer", "forward + backward, ms",
            "times the best peer"]
    text = "\n".join([f"# {title}", "",
                      f"float32, {experiment.threads} thread(s), minimum of "
                      "interleaved repeats; peers of the same run (- where "
                      "none is installed).", "", markdown(head, lines), "",
                      f"![plot]({experiment.name}.png)"])

    def draw(axis):
        names = [", ".join(map(str, case_of(r))) for r in rows]
        axis.plot([ours_of(r, "both") for r in rows], "o-",
                  linewidth=2.5, label="sigtape")
        for peer in peers_of(rows[0], "both"):
            axis.plot([peers_of(r, "both").get(peer, math.nan) for r in rows],
                      "o-", linewidth=1, label=peer)
        axis.set_yscale("log")
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right",
                        fontsize=7)
        axis.set_ylabel("forward + backward, ms")
        axis.set_xlabel("batch, length, channels, depth")
        axis.legend()
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
        experiment, "quick" if experiment.quick else "keras-sig",
        "Signatures on the cases of the Keras Sig paper", published)


def signatory(experiment):
    return signature_table(
        experiment, "quick" if experiment.quick else "signatory",
        "Signatures on the cases of the Signatory paper")


def pysiglib_sweep(experiment):
    return signature_table(
        experiment, "quick" if experiment.quick else "pysiglib",
        "Signatures of long paths, pySigLib's sweep")


def keras_sig_training(experiment):
    published = {}
    for r in read_csv(BENCHMARKS / "paper" / "keras_sig_training.csv"):
        if r["device"] == "cpu" and r["training_seconds"]:
            key = tuple(int(r[k]) for k in ("length", "sig_input_size",
                                            "depth"))
            published.setdefault(key, {})[r["implementation"]] = float(
                r["training_seconds"])
    state = experiment.row("comparison", lambda: {"cases": len(compare(
        experiment, "compare_training.py", "--models",
        "quick" if experiment.quick else "keras-sig"))})
    title = "# Training on the cases of the Keras Sig paper"
    if "error" in state:
        return experiment.write([state], f"{title}\n\n{state['error']}")
    result, lines, sums = [], [], {}
    for row in read_csv(experiment.work / "comparison.csv"):
        if row["model"] != "keras-sig":
            continue
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
                       **{f"published_{n}": t for n, t in paper.items()}})
        lines.append((length, size, depth, f"{ours:.3f}",
                      f"{reference[1]:.1f} ({reference[0]})" if reference
                      else "-", f"{reference[1] / ours:.0f}" if reference
                      else "-", f"{best[1] / ours:.1f} ({best[0]})" if best
                      else "-"))
    total = sums.get("sigtape", math.nan)
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
        "![plot](keras-sig-training.png)"])

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

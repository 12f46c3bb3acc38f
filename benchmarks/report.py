"""Makes the tables and plots of the comparisons from their CSV files.

usage: PYTHON benchmarks/report.py [FOLDER]

Of each FOLDER/signatures-*.csv (by default benchmarks/results): NAME-ISA.md
with times, ratios to the best peer and shares of the peak of multiply-adds
measured in the same run, and, where matplotlib is there, NAME-ISA.png (three
sweeps) and NAME-ISA-roofline.png. Of each training-*.csv: NAME-ISA.md with
times, ratios and peak memory. Of sweep-*.csv: NAME-ISA.md.
"""

import pathlib
import re
import statistics
import sys

from comparison import HERE, best_peer, operations, read_rows


def isas_of(rows):
    return [m[1] for k in rows[0] if (m := re.match(r"sigtape-(\w+)_error", k))]


def geometric(values):
    values = [v for v in values if v]
    return statistics.geometric_mean(values) if values else float("nan")


def seconds(r, isa, ours="sigtape"):
    return {part: r.get(f"{ours}-{isa}_{part}") or float("nan")
            for part in ("forward", "backward")}


def rates(r, isa, ours="sigtape"):
    """{part: (G multiply-adds a second, share of the peak)}."""
    kind = {"sigtape": "float32", "sigtape64": "float64"}[ours]
    peak = r[f"{isa}_{kind}"] * r["threads"]
    return {part: (count / seconds(r, isa, ours)[part] / 1e9,
                   count / seconds(r, isa, ours)[part] / 1e9 / peak)
            for part, (count, _) in operations(r).items()}


def rate_cell(rate, share):
    return f"{rate:.1f} ({share:.0%})" if rate == rate else "-"


def ratio_cell(r, isa, key):
    name, best = best_peer(r, key)
    return f"{best / r[f'sigtape-{isa}_{key}']:.1f} ({name})" if best else "-"


def ratio(r, isa, key):
    _, best = best_peer(r, key)
    return best and best / r[f"sigtape-{isa}_{key}"]


def case_of(r):
    return r["batch"], r["length"], r["channels"], r["depth"]


def scaling_cell(r, alone, isa):
    keys = [f"sigtape-{isa}_{k}" for k in ("forward", "both")]
    if not alone or not alone.get(keys[0]):
        return " - |"
    return " " + ", ".join(f"{alone[k] / r[k]:.2f}" for k in keys) + " |"


def head(title, rows, isa):
    peaks = [r[f"{isa}_float32"] for r in rows]
    return [f"# {title}, {isa}, {rows[0]['threads']} thread(s)", "",
            f"Peak of one core: {min(peaks):.1f} to {max(peaks):.1f} G "
            "multiply-adds a second, measured in the same run; float32; least "
            "of interleaved repeats; this library and its peers in turn.", ""]


def double_cell(r, isa):
    """Forward and backward in float64, shares of its own peak."""
    if not r.get(f"sigtape64-{isa}_forward"):
        return " - |"
    return " " + ", ".join(f"{share:.0%}" for _, share in
                           rates(r, isa, "sigtape64").values()) + " |"


def signature_table(title, rows, isa, single):
    """`single` are the rows of one thread, to compare those of more with."""
    lines = head(title, rows, isa) + [
        "| batch, length, channels, depth | forward ms | times the best peer "
        "| GFMA/s (of peak) | forward + backward ms | times the best peer | "
        "backward GFMA/s (of peak) | float64: forward, backward of its peak |"
        + (" forward, both: times one thread |" if single else ""),
        "|---|---|---|---|---|---|---|---|" + ("---|" if single else "")]
    alone = {case_of(r): r for r in single}
    for r in rows:
        (f, fp), (b, bp) = rates(r, isa).values()
        lines.append(
            f"| {r['batch']}, {r['length']}, {r['channels']}, {r['depth']} "
            f"| {r[f'sigtape-{isa}_forward'] * 1e3:.4g} "
            f"| {ratio_cell(r, isa, 'forward')} | {f:.1f} ({fp:.0%}) "
            f"| {r[f'sigtape-{isa}_both'] * 1e3:.4g} "
            f"| {ratio_cell(r, isa, 'both')} | {rate_cell(b, bp)} |"
            + double_cell(r, isa)
            + (scaling_cell(r, alone.get(case_of(r)), isa) if single else ""))
    for key, name in (("forward", "forward"), ("both", "forward + backward")):
        ratios = [v for r in rows if (v := ratio(r, isa, key))]
        if ratios:
            lines += ["", f"Times the best peer, {name}: geometric mean "
                      f"{geometric(ratios):.1f}, least {min(ratios):.1f}."]
    return "\n".join(lines) + "\n"


def training_scaling(r, alone, isa):
    other = alone.get((r["model"], *case_of(r)))
    key = f"sigtape-{isa}_step"
    return f" {other[key] / r[key]:.2f} |" if other else " - |"


def megabytes(value):
    return "-" if value is None else f"{value / 1e6:.3g}"


def groups_of(r):
    """The groups of rows that a training row is summed up in."""
    if r["model"] != "keras-sig":
        return [r["model"]]
    part = ("depth 2" if r["depth"] == 2 else "depth 3 and 4, size 2"
            if r["channels"] == 2 else "depth 3 and 4, size 4 and more")
    return ["keras-sig", f"keras-sig, {part}"]


def training_table(rows, isa, single):
    """`single` are the rows of one thread, to compare those of more with."""
    lines = head("Training steps against their peers", rows, isa) + [
        "| model | batch, length, channels, depth | step ms | best peer ms | "
        "times | our MB |" + (" times one thread |" if single else ""),
        "|---|---|---|---|---|---|" + ("---|" if single else "")]
    alone = {(r["model"], *case_of(r)): r for r in single}
    groups = {}
    for r in rows:
        name, best = best_peer(r, "step")
        lines.append(
            f"| {r['model']} | {r['batch']}, {r['length']}, {r['channels']}, "
            f"{r['depth']} | {r[f'sigtape-{isa}_step'] * 1e3:.4g} | "
            + (f"{best * 1e3:.4g} ({name}) | {ratio(r, isa, 'step'):.1f}"
               if best else "- | -")
            + f" | {megabytes(r[f'sigtape-{isa}_memory'])} |"
            + (training_scaling(r, alone, isa) if single else ""))
        for group in groups_of(r) if best else []:
            groups.setdefault(group, []).append(ratio(r, isa, "step"))
    lines += [""] + [f"{model}: geometric mean {geometric(v):.1f}, least "
                     f"{min(v):.1f} times the best peer."
                     for model, v in groups.items()]
    return "\n".join(lines) + "\n"


def pyplot():
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        return plt
    except ImportError:
        print("matplotlib is missing: no plots", file=sys.stderr)
        return None


SWEEPS = {
    "length": ("128 paths, 3 channels, depth 4", lambda r:
               (r["batch"], r["channels"], r["depth"]) == (128, 3, 4)),
    "channels": ("32 paths of 128 points, depth 7", lambda r:
                 (r["batch"], r["length"], r["depth"]) == (32, 128, 7)),
    "depth": ("128 paths of 100 points, 3 channels", lambda r:
              (r["batch"], r["length"], r["channels"]) == (128, 100, 3)),
}


def sweep_plot(plt, path, rows, isa):
    """Length, channels and depth, one line per library."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.4), sharey=True)
    libraries = [k[:-5] for k in rows[0] if k.endswith("_both")
                 and (not k.startswith("sigtape")
                      or k == f"sigtape-{isa}_both")]
    for axis, (name, (title, chosen)) in zip(axes, SWEEPS.items()):
        cases = sorted(filter(chosen, rows), key=lambda r: r[name])
        for library in libraries:
            points = [(r[name], r[library + "_both"] * 1e3) for r in cases
                      if r[library + "_both"]]
            axis.plot(*zip(*points) if points else ([], []), marker="o",
                      label=library,
                      linewidth=3 if library.startswith("sigtape") else 1.2)
        axis.set_xlabel(name)
        axis.set_title(title)
        if not cases:
            continue
        axis.set_yscale("log")
        axis.grid(True, alpha=0.3)
        if name == "length":
            axis.set_xscale("log")
        else:
            axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("forward + backward, ms")
    figure.suptitle("Signature and its gradient, "
                    f"{rows[0]['threads']} thread"
                    f"{'s' if rows[0]['threads'] > 1 else ''}, {isa}")
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center",
                  ncol=len(libraries))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def roofline_plot(plt, path, rows, isa):
    """Speed against multiply-adds per byte that must be moved, beneath the
    measured peak and the measured bandwidth."""
    import numpy as np
    threads = rows[0]["threads"]
    peak = max(r[f"{isa}_float32"] for r in rows) * threads
    bandwidth = max(r[f"{isa}_bandwidth"] for r in rows)
    figure, axis = plt.subplots(figsize=(8, 5))
    for part, marker in (("forward", "o"), ("backward", "s")):
        points = [(count / size, rates(r, isa)[part][0], r["depth"])
                  for r in rows for count, size in [operations(r)[part]]]
        x, y, depth = zip(*points)
        shown = axis.scatter(x, y, c=depth, marker=marker, cmap="viridis",
                             label=part, edgecolors="black", linewidths=0.4)
    figure.colorbar(shown, label="depth")
    reach = np.logspace(0, 3, 200)
    axis.plot(reach, np.minimum(peak, bandwidth * reach), color="black",
              label=f"peak {peak:.0f} GFMA/s, memory {bandwidth:.0f} GB/s\n"
              "(less than 2 MB stays in the caches)")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")
    axis.set_xlabel("multiply-adds per byte of input and result")
    axis.set_ylabel("GFMA/s")
    axis.set_title("Signatures beneath the roof, "
                   f"{threads} thread{'s' if threads > 1 else ''}, {isa}")
    axis.grid(True, which="both", alpha=0.25)
    axis.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    folder = (pathlib.Path(sys.argv[1]) if len(sys.argv) > 1
              else HERE / "results")
    plt = pyplot()
    for path in sorted(folder.glob("*.csv")):
        kind = path.stem.split("-")[0]
        if kind not in ("signatures", "training", "sweep"):
            continue
        rows = read_rows(path)
        for isa in isas_of(rows) if rows else []:
            target = path.with_name(f"{path.stem}-{isa}.md")
            own = [r for r in rows if not r[f"sigtape-{isa}_error"]]
            single = path.with_name(f"{kind}-1thread.csv")
            alone = (read_rows(single) if own and own[0]["threads"] > 1
                     and single.exists() else [])
            if kind == "training":
                target.write_text(training_table(own, isa, alone))
            else:
                title = ("Signatures against their peers"
                         if kind == "signatures" else
                         "Long streams against pySigLib")
                target.write_text(signature_table(title, own, isa, alone))
            if kind == "signatures" and plt:
                sweep_plot(plt, target.with_suffix(".png"), own, isa)
                roofline_plot(plt, target.with_name(
                    f"{path.stem}-{isa}-roofline.png"), own, isa)
            print(target)


if __name__ == "__main__":
    main()

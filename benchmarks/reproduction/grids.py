"""The grids of the Signatory paper and of pySigLib's sweep: times and peak
memory of signatures and log-signatures, of this library and of its peers."""

import math
import re

from .common import markdown
from .speed import (GROUPS, best_of, case_of, compare, failures, ours_of,
                    peers_of, summary)

COLUMNS = ("batch", "length", "channels", "depth")
MODES = {"signature": "Signature", "words": "Log-signature, Lyndon words",
         "brackets": "Log-signature, Lyndon brackets"}
# As run_all.sh has them.
LIMITS = ("--memory-limit", "10", "--time-limit", "200", "--runs", "50",
          "--limit", "2", "--single")


def measured(experiment, state, kind, groups, *options):
    """Rows of the cases of `groups`, and whether none is missing."""
    groups = ("quick",) if experiment.quick else groups
    places = list(dict.fromkeys(c for g in groups for c in GROUPS[g]))
    rows = []

    def make():
        rows.extend(r for r in compare(
            experiment, "compare_signatures.py", kind, "--groups",
            ",".join(groups), *options, *LIMITS) if case_of(r) in places)
        rows.sort(key=lambda r: (list(MODES).index(mode_of(r)),
                                 places.index(case_of(r))))
        return {"cases": len(rows)}

    if "error" not in experiment.done.get(state, {"error": ""}):
        make()
    record = experiment.row(state, make)
    return record, rows


def mode_of(row):
    return row.get("mode") or "signature"


def entrants_of(row):
    """Ours under the widest instruction set, then the peers."""
    names = [k[:-len("_error")] for k in row if k.endswith("_error")]
    return names[:1] + [n for n in names if not n.startswith("sigtape")]


def label(name):
    return "sigtape" if name.startswith("sigtape") else name


def missing_lines(rows, group):
    """The cases of a group that have no row."""
    done = {(mode_of(r), case_of(r)) for r in rows}
    left = {mode: [c for c in dict.fromkeys(GROUPS[group])
                   if (mode, c) not in done] for mode in MODES}
    return [line for mode, cases in left.items() if cases for line in (
        f"Not measured, {mode}: " + "; ".join(
            ", ".join(map(str, c)) for c in cases) + ".", "")]


def failure_lines(rows):
    """What failed, each message once with its cases."""
    groups, modes = {}, {}
    for row in rows:
        modes.setdefault(mode_of(row), set()).add(case_of(row))
        for key, message in failures(row).items():
            name = key[:-len("_error")]
            short = re.sub(r"^\w*Error: (?=it has no)", "", message)
            groups.setdefault((name, mode_of(row), short), []).append(
                case_of(row))
    lines = []
    for (name, mode, message), cases in groups.items():
        where = ("every case" if set(cases) == modes[mode] else
                 ", ".join("(" + ", ".join(map(str, c)) + ")" for c in cases))
        lines.append(f"- {name}, {mode}: {message}: {where}")
    return ["No figures:", "", *lines, ""] if lines else []


def ratio_cell(row, part):
    """Times the best peer, its name, and its runs if they were fewer."""
    best = best_of(peers_of(row, part))
    if not best:
        return "-"
    runs = row.get(f"{best[0]}_runs")
    few = f", {runs} run{'s' if runs != '1' else ''}" if runs and int(
        runs) < 50 else ""
    return f"{best[1] / ours_of(row, part):.1f} ({best[0]}{few})"


def time_table(rows):
    """Of rows in which this library has figures."""
    lines = [(", ".join(map(str, case_of(r))),
              *(cell for part in ("forward", "both") for cell in
                (f"{ours_of(r, part):.4g}", ratio_cell(r, part))))
             for r in rows if not math.isnan(ours_of(r, "both"))]
    long_ = [r for r in rows if case_of(r)[1] > 2]
    sums = [s for part in ("forward", "both") if (s := summary(long_, part))]
    if sums and len(long_) < len(rows):
        sums[0] = f"Paths of more than two points, {sums[0]}"
    behind = [r for r in rows if any(
        (best := best_of(peers_of(r, part))) and best[1] < ours_of(r, part)
        for part in ("forward", "both"))]
    why = ("one increment, where calling takes longer than computing: ours "
           "makes a tensor and a tape" if behind and all(
               case_of(r)[:2] == (1, 2) for r in behind) else "")
    return [markdown([", ".join(COLUMNS), "forward, ms", "times the best peer",
                      "forward + backward, ms", "times the best peer"], lines),
            "", *([sentence("; ".join(sums)), ""] if sums else []),
            *([sentence("slower than the best peer: " + "; ".join(
                ", ".join(map(str, case_of(r))) for r in behind)
                + (f": {why}" if why else "")), ""] if behind else [])]


def sentence(text):
    return text[0].upper() + text[1:] + "."


def megabytes(row, name, key="memory"):
    value = row.get(f"{name}_{key}")
    return float(value) / 1e6 if value else math.nan


def memory_cell(row, name):
    both = [megabytes(row, name, k) for k in ("forward_memory", "memory")]
    return "-" if math.isnan(both[1]) else " / ".join(
        f"{max(v, 0.1):.{0 if v >= 99.5 else 1}f}" for v in both)


def memory_table(rows):
    names = entrants_of(rows[0])
    if f"{names[0]}_memory" not in rows[0]:
        return []
    names = [n for n in names if any(memory_cell(r, n) != "-" for r in rows)]
    return ["Peak memory, MB, forward / forward and backward:", "",
            markdown([", ".join(COLUMNS), *map(label, names)],
                     [(", ".join(map(str, case_of(r))),
                       *(memory_cell(r, n) for n in names)) for r in rows]),
            ""]


def entry(row):
    """A row of the experiment's CSV, times in milliseconds."""
    case = dict(zip(COLUMNS, case_of(row)))
    times = {f"{'sigtape' if not n else n}_{part}_ms": t
             for part in ("forward", "both") for n, t in
             {"": ours_of(row, part), **peers_of(row, part)}.items()}
    rest = {f"{label(n)}_{k}": row[f"{n}_{k}"] for n in entrants_of(row)
            for k in ("forward_memory", "memory", "runs", "error")
            if row.get(f"{n}_{k}")}
    return {"key": "-".join(map(str, (mode_of(row), *case.values()))),
            "mode": mode_of(row), **case, **times, **rest}


# The same in every plot: colour and line.
STYLES = {"sigtape": ("C0", "o-"), "pysiglib": ("C1", "o-"),
          "signatory": ("C2", "o-"), "iisignature": ("C3", "o-"),
          "signax": ("C4", "o-"), "keras_sig": ("C5", "s--")}


def curves(axis, rows, size, value):
    """One line per library over a size of the cases."""
    rows = sorted(rows, key=lambda r: int(r[size]))
    for name in entrants_of(rows[0]) if rows else []:
        points = [(int(r[size]), v) for r in rows
                  if not math.isnan(v := value(r, name))]
        ours = name.startswith("sigtape")
        colour, style = STYLES[label(name)]
        if points:
            axis.plot(*zip(*points), style, color=colour, label=label(name),
                      linewidth=2.5 if ours else 1, zorder=3 if ours else 2)
    axis.set_xlabel(size)
    axis.set_yscale("log")
    axis.grid(True, alpha=0.3)
    axis.xaxis.get_major_locator().set_params(integer=True)


def milliseconds(row, name):
    value = row.get(f"{name}_both")
    return 1e3 * float(value) if value else math.nan


# Quantity, mode, label of the axis.
SIGNATORY_PLOTS = (
    (milliseconds, "signature", "signature, forward + backward, ms"),
    (milliseconds, "words", "log-signature (words),\nforward + backward, ms"),
    (milliseconds, "brackets",
     "log-signature (brackets),\nforward + backward, ms"),
    (megabytes, "signature", "signature, peak memory, MB"),
    (megabytes, "words", "log-signature (words),\npeak memory, MB"))


def draw_signatory(axes, rows):
    sweeps = (("channels", "32 paths of 128 points, depth 7", 3, 7),
              ("depth", "32 paths of 128 points, 4 channels", 2, 4))
    for line, (value, mode, name) in zip(axes, SIGNATORY_PLOTS):
        for axis, (size, title, place, fixed) in zip(line, sweeps):
            curves(axis, [r for r in rows if mode_of(r) == mode
                          and case_of(r)[:2] == (32, 128)
                          and case_of(r)[place] == fixed
                          and case_of(r) != (32, 128, 8, 7)], size, value)
            axis.set_title(title, fontsize=10)
            axis.set_ylabel(name)
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=8)


def signatory(experiment):
    state, rows = measured(experiment, "comparison", "signatory-paper",
                           ("signatory-paper",), "--modes", ",".join(MODES))
    title = "# Signatures and log-signatures on the cases of the Signatory paper"
    if "error" in state or not rows:
        return experiment.write([state], f"{title}\n\nfailed: "
                                + state.get("error", "no rows"))
    text = [title, "",
            f"float32, {experiment.threads} thread(s), the least of 50 runs "
            "after a warm-up: of fewer, said in brackets, if they took over 2 "
            "seconds together. Peers of the same run (- where none is "
            "installed), each within 10 GB and 200 seconds of processor time "
            "for a case. The paper's own figures are of another machine and of "
            "peers since overtaken; Signatory itself is measured here. Memory "
            "is what the process grows by at its peak, from after the input is "
            "made: result, its cotangent and gradient included, the tables of "
            "log-signatures where a library makes them at the first call, as "
            "ours does; of the first MB a part is code being loaded.", ""]
    for mode, heading in MODES.items():
        own = [r for r in rows if mode_of(r) == mode]
        if own:
            text += [f"### {heading}", "", *time_table(own),
                     *memory_table(own)]
    if not experiment.quick:
        text += missing_lines(rows, "signatory-paper")
    text += [*failure_lines(rows), "![plot](signatory.png)"]
    experiment.plot(lambda axes: draw_signatory(axes, rows), width=11,
                    height=19, columns=2, lines=len(SIGNATORY_PLOTS))
    return experiment.write([entry(r) for r in rows], "\n".join(text))


def draw_sweep(axes, rows):
    lengths = sorted({case_of(r)[1] for r in rows}, reverse=True)
    colours = {depth: f"C{depth - 2}" for depth in range(2, 7)}
    for axis, length in zip(axes, lengths):
        for depth in sorted({case_of(r)[3] for r in rows
                             if case_of(r)[1] == length}):
            own = sorted((r for r in rows if case_of(r)[1] == length
                          and case_of(r)[3] == depth), key=case_of)
            for name in entrants_of(own[0]):
                points = [(case_of(r)[2], v) for r in own
                          if not math.isnan(v := milliseconds(r, name))]
                if points:
                    axis.plot(*zip(*points), "o-" if "sigtape" in name
                              else "s--", color=colours[depth],
                              label=f"{label(name)}, depth {depth}")
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_yscale("log")
        axis.set_xlabel("channels")
        axis.set_ylabel("forward + backward, ms")
        axis.set_title(f"{own[0]['batch']} paths of {length} points")
        axis.grid(True, alpha=0.3)
        axis.legend(fontsize=8)


def pysiglib_sweep(experiment):
    peer = ("--only", "pysiglib")
    state, long_ = measured(experiment, "comparison", "sweep", ("pysiglib",),
                            *peer)
    title = "# Signatures of long paths, pySigLib's sweep"
    if "error" in state or not long_:
        return experiment.write([state], f"{title}\n\nfailed: "
                                + state.get("error", "no rows"))
    deep = [] if experiment.quick else measured(
        experiment, "comparison-deep", "sweep-deep", ("pysiglib-deep",), *peer,
        "--modes", "signature")[1]
    text = [title, "",
            f"float32, {experiment.threads} thread(s), minimum of interleaved "
            "repeats; peers of the same run (- where none is installed). Its "
            "paper's figures are of another machine; pySigLib itself is "
            "measured here.", "", *time_table(long_)]
    if deep:
        text += ["Deeper, which its sweep leaves out; the least of 50 runs, or "
                 "of as many as began in 2 seconds, within 10 GB and 200 "
                 "seconds of processor time; memory from after the input is "
                 "made:", "",
                 *time_table(deep), *memory_table(deep)]
    rows = long_ + deep
    text += [*failure_lines(rows), "![plot](pysiglib-sweep.png)"]
    experiment.plot(lambda axes: draw_sweep(axes, rows), width=12, height=5.2,
                    columns=2)
    return experiment.write([entry(r) for r in rows], "\n".join(text))

#!/usr/bin/env python3
"""Plants faults in the CUDA kernels, one at a time, and reports which of them
the battery catches.

usage: tests/cuda_mutations.py BUILD [--list] [--check] [--only TEXT]
                               [--races BUILD] [--results FILE.json]
                               [--report FILE.md]

BUILD is a build with SIGTAPE_CUDA=HOST and the tests built; the changed file is
compiled with the address sanitizer whether BUILD is or not. Nothing of the
source tree is changed: a changed copy of one file is compiled, and linked
before the library into its test program, which ends at its first failure.
What is missed there runs once more in the build of --races, one of the preset
cuda-host-tsan.
--check only looks whether each text stands where the list says. --results keeps
verdicts; a fault whose file and text have not changed since is not run again.
Exit status 1 if a fault without an explanation was missed.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# (file, text, replacement, test program, why it may be missed or None[, the
# kernel files that a header is compiled into, where not those of USERS])
OPS = "framework/ops/"
SIGNATURE = "layers/signature/"
TREE = "layers/signature/signature_tree_kernels_cuda.h"
PRODUCTS = "layers/signature/signature_products_cuda.cu"
PROJECTED = "layers/signature/projected_signature_cuda.cu"
RECURRENCE = "layers/recurrence_cuda.cu"
STEP = "training/trainer/step_cuda.cu"
SUBTREE = SIGNATURE + "signature_subtree_cuda.h"
WALK = SIGNATURE + "signature_chain_walk_cuda.h"
DUAL = SIGNATURE + "dual_cuda.h"
LEVELS = SIGNATURE + "levels_cuda.h"
WORDS = SIGNATURE + "signature_words_cuda.h"
WINDOW_INDICES = SIGNATURE + "window_lengths_functors.h"
LENGTHS = "layers/length_functors.h"
CHAINS = [SIGNATURE + f"signature_chain_{way}_cuda.cu"
          for way in ("forward", "backward")]


def tree(channels):
    return [SIGNATURE + f"signature_tree_{channels}_cuda.cu"]


FAULTS = [
    # Barriers removed.
    ("framework/cuda/collect_cuda.h", "  __syncthreads();\n  value = parts[0];",
     "  value = parts[0];", "framework_reduce", None),
    ("framework/cuda/collect_cuda.h",
     "  __syncthreads();  // the parts of a call before this one have been read",
     "", "framework_reduce", None),
    (OPS + "reduce_cuda.cu", "    sums[row][column] = sum;\n    __syncthreads();",
     "    sums[row][column] = sum;", "framework_reduce", None),
    (OPS + "reduce_cuda.cu",
     "    __syncthreads();  // the sums of the tile before have been read", "",
     "framework_reduce", None),
    (OPS + "gemm_tile_cuda.h", "      __syncthreads();\n#pragma unroll",
     "#pragma unroll", "framework_matmul", None),
    (OPS + "gemm_tile_cuda.h", "      __syncthreads();\n    }\n#pragma unroll",
     "    }\n#pragma unroll", "framework_matmul", None),
    # Indices shifted and ranges cut.
    (OPS + "gemm_tile_cuda.h", "const int m = s.m - i0 <", "const int m = s.m - i0 + 1 <",
     "framework_matmul", None),
    (OPS + "gemm_tile_cuda.h", "l0 < end; l0 += Tile::depth", "l0 + 1 < end; l0 += Tile::depth",
     "framework_matmul", None),
    (OPS + "gemm_tile_cuda.h", "const bool inside = h < high_end && w < wide_end;",
     "const bool inside = h <= high_end && w < wide_end;", "framework_matmul", None),
    (OPS + "gemm_tile_cuda.h", "const bool inside = h < high_end && w < wide_end;",
     "const bool inside = h < high_end && w <= wide_end;", "framework_matmul",
     None),
    (OPS + "gemm_tile_cuda.h", "if (i < m && j < n) c(", "if (i <= m && j < n) c(",
     "framework_matmul", None),
    (OPS + "gemm_tile_cuda.h", "x[r] = shared.a[l][ty + r * rows];",
     "x[r] = shared.a[l][ty + r];", "framework_matmul", None),
    (OPS + "gemm_tile_cuda.h", "blockIdx.y * part", "(blockIdx.y + 1) * part",
     "framework_conv1d", None),
    (OPS + "gemm_tile_cuda.h", "p < parts; ++p", "p + 1 < parts; ++p",
     "framework_conv1d", None),
    (OPS + "windows_cuda.h", "if (at < 0 || at >= s.length) return 0;",
     "if (at < 0) return 0;", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "if (at < 0 || at >= s.length) return 0;",
     "if (at >= s.length) return 0;", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "t * s.stride != start || t >= s.rows",
     "t >= s.rows", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "t * s.stride != start || t >= s.rows",
     "t * s.stride != start", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "tap * s.dilation - s.padding", "tap - s.padding",
     "framework_conv1d", None),
    (OPS + "reduce_cuda.cu", "l < end; l += threads", "l + 1 < end; l += threads",
     "framework_reduce", None),
    (OPS + "reduce_cuda.cu", "i < s.inner && l < end", "l < end",
     "framework_reduce", None),
    (OPS + "reduce_cuda.cu", "int r = 1; r < tile_rows", "int r = 1; r + 1 < tile_rows",
     "framework_reduce", None),
    (OPS + "reduce_cuda.cu", "if (rule.op == Reduce::power) rule.op = Reduce::sum;",
     "", "framework_reduce", None),
    (OPS + "softmax_cuda.cu", "largest = cuda::collect_warp(largest, cuda::Larger());",
     "", "framework_softmax", None),
    (OPS + "softmax_cuda.cu", "line / inner * size * inner + line % inner",
     "line / inner * size + line % inner", "framework_softmax", None),
    (OPS + "layer_norm_cuda.cu", "r < end && r < in.rows", "r < end",
     "framework_layer_norm", None),
    (OPS + "layer_norm_cuda.cu", "parts[(2 * tile + 1) * in.size + j] = bias",
     "parts[2 * tile * in.size + j] = bias", "framework_layer_norm", None),
    (OPS + "layer_norm_cuda.cu", "    squares = cuda::collect_warp(squares, cuda::Plus());\n",
     "", "framework_layer_norm", None),
    (OPS + "loss_cuda.cu", "for (std::int64_t c = lane; c < in.classes; c += 32) {\n      sum +=",
     "for (std::int64_t c = lane; c < 32; c += 32) {\n      sum +=",
     "framework_loss", None),
    (OPS + "loss_cuda.cu", "    total = cuda::collect_warp(total, cuda::Plus());\n",
     "", "framework_loss", None),
    (OPS + "gather_cuda.cu", "out[at[0] + where * axis.stride] += x[i * a_step];",
     "out[at[0] + where * axis.stride] = x[i * a_step];", "framework_gather", None),
    (OPS + "gather_cuda.cu", "if (walk.strides[0][d] != 0) continue;",
     "if (walk.strides[0][d] == 0) continue;", "framework_gather", None),
    (OPS + "dropout_cuda.cu", "first + *shift + i", "first + *shift + i + 1",
     "framework_dropout", None),
    (OPS + "dropout_cuda.cu", "u < p ?", "u <= 1 - p ?", "framework_dropout", None),
    ("framework/cuda/walk_cuda.h", "i < walk.count; i += item_step()",
     "i + 1 < walk.count; i += item_step()", "framework_arithmetic", None),
    ("framework/cuda/walk_cuda.h", "i < walk.count; i += item_step()",
     "i <= walk.count; i += item_step()", "framework_arithmetic", None),
    ("framework/cuda/walk_cuda.h", "for (int d = walk.rank - 1; d > 0; --d)",
     "for (int d = walk.rank - 1; d > 1; --d)", "framework_arithmetic", None),
    # Shuffles among fewer lanes, in another tree.
    ("framework/cuda/collect_cuda.h", "distance < 32; distance *= 2",
     "distance < 16; distance *= 2", "framework_softmax", None),
    ("framework/cuda/collect_cuda.h", "w < Threads / 32; ++w",
     "w + 1 < Threads / 32; ++w", "framework_reduce", None),
    # Shared memory cut.
    (OPS + "gemm_tile_cuda.h", "T b[Tile::depth][Tile::columns + 1];",
     "T b[Tile::depth - 1][Tile::columns + 1];", "framework_matmul", None),
    (OPS + "reduce_cuda.cu", "double[tile_rows][tile_columns]",
     "double[tile_rows - 1][tile_columns]", "framework_reduce", None),
    # Kernels of layers and of the trainer.
    (TREE, "T* increments) {\n  __syncthreads();", "T* increments) {",
     "layers_cuda_signature", None),
    (TREE, "  }\n  __syncthreads();\n}", "  }\n}", "layers_cuda_signature", None),
    (TREE, "      __syncthreads();\n      const int sums =",
     "      const int sums =", "layers_cuda_signature", None),
    (TREE, "part[u * D + i % D] = u < true_count ? sum : T(0);\n      }\n"
     "      __syncthreads();",
     "part[u * D + i % D] = u < true_count ? sum : T(0);\n      }",
     "layers_cuda_signature", None),
    (TREE, "      s.multiply(x + at.chunk * size);\n    }\n    __syncthreads();",
     "      s.multiply(x + at.chunk * size);\n    }", "layers_cuda_signature", None),
    (TREE, "u < plan.steps && at < from.count ?", "u < plan.steps ?",
     "layers_cuda_signature", "Increments::at is 0 beyond a path's end as well"),
    (TREE, "= u < true_count ? sum : T(0);", "= u <= true_count ? sum : T(0);",
     "layers_cuda_signature", None),
    (TREE, "kReduced<T> * (D + Q) * threads)", "kReduced<T> * (D + Q - 1) * threads)",
     "layers_cuda_signature", None),
    (TREE, "(kStagedRow<D> + scanned)", "(kStagedRow<D> + scanned / 2)",
     "layers_cuda_signature", None),
    (TREE, "blockIdx.x) - 1) * lower", "blockIdx.x)) * lower",
     "layers_cuda_signature", None),
    (TREE, "i > at.segment; --i", "i > at.segment + 1; --i",
     "layers_cuda_signature", None),
    (TREE, "for (int distance = 1;", "for (int distance = 2;",
     "layers_cuda_signature", None),
    (TREE, "at.chunk != chunks - 1) return;", "at.chunk != 0) return;",
     "layers_cuda_signature", None),
    (PRODUCTS, "s.swapped ? plan.right[p] : plan.left[p]", "plan.left[p]",
     "layers_window_second_derivatives", None),
    (PRODUCTS, "for (int k = 1; k < at.level; ++k)", "for (int k = 1; k + 1 < at.level; ++k)",
     "layers_window_second_derivatives", None),
    (PRODUCTS, "k < use_begin[1]; ++k", "k + 1 < use_begin[1]; ++k",
     "layers_window_second_derivatives", None),
    (PROJECTED, "walk<Again>(node);\n      });\n      __syncthreads();",
     "walk<Again>(node);\n      });", "layers_projected_signature", None),
    (PROJECTED, "walk_back(node);\n      });\n      __syncthreads();",
     "walk_back(node);\n      });", "layers_projected_signature", None),
    (PROJECTED, "      if (t < last) sum -= increment(b, t, j);", "",
     "layers_projected_signature", None),
    (PROJECTED, "m_.saved[place] = s;", "m_.saved[place] = s + s;",
     "layers_projected_signature", None),
    (PROJECTED, "for (std::int64_t time = memory.times; time-- > 0;)",
     "for (std::int64_t time = 0; time < memory.times; ++time)",
     "layers_projected_signature", None),
    (RECURRENCE, "    __syncthreads();  // the piece before is read, the states are written",
     "", "layers_recurrent", None),
    (RECURRENCE, "    __syncthreads();\n    if (!active) continue;",
     "    if (!active) continue;", "layers_recurrent", None),
    (RECURRENCE, "const bool inside = r < rows && l < used;",
     "const bool inside = r <= rows && l < used;", "layers_recurrent", None),
    (RECURRENCE, "if (r < rows) unit_forward<cell>", "unit_forward<cell>",
     "layers_recurrent", None),
    (RECURRENCE, "T[block_rows][piece]", "T[block_rows - 1][piece]",
     "layers_recurrent", None),
    (RECURRENCE, "    carry_cell = dc * f;", "    carry_cell = dc;",
     "layers_recurrent", None),
    ("layers/running_sum_cuda.cu", "length - 1 - t", "length - t",
     "layers_cuda_operations", None),
    ("layers/take_points_cuda.cu", "s.shared ? 0 : b * s.points) + p",
     "0) + p", "layers_cuda_operations", None),
    (STEP, "i < end.e.tiles; i += threads", "i + 1 < end.e.tiles; i += threads",
     "training_trainer_cuda_update", None),
    (STEP, "  if (state->refused) return;", "", "training_trainer_cuda_update", None),
    (STEP, "i < tile.end; i += threads) {\n    update(i);",
     "i <= tile.end; i += threads) {\n    update(i);",
     "training_trainer_cuda_update", None),
    ("training/trainer/batch_cuda.cu", "(t < last ? t : last)",
     "(t < last ? t : last - 1)",
     "training_trainer_cuda_graph", None),
    # Kernels of single elements.
    (OPS + "arithmetic_cuda.cu", "x - y;", "y - x;", "framework_arithmetic", None),
    (OPS + "arithmetic_cuda.cu", "scale * a[at[1]] + shift",
     "scale * (a[at[1]] + shift)", "framework_arithmetic", None),
    (OPS + "where_cuda.cu", "a[at[2]] : b[at[3]]", "a[at[2]] : b[at[2]]",
     "framework_where", None),
    (OPS + "masks_cuda.cu", "a[at[1]] == b[at[2]];", "a[at[1]] == b[at[1]];",
     "framework_reduce", None),
    (OPS + "masks_cuda.cu", "x < 0 ? T{-1} : x * 0", "x * 0", "framework_elementwise",
     None),
    (OPS + "copy_cuda.cu", "static_cast<To>(a[at[1]])", "static_cast<To>(a[at[0]])",
     "framework_copy", None),
    (OPS + "copy_cuda.cu", "keep * out[at[0]] + scale", "out[at[0]] + scale",
     "framework_copy", None),
    (OPS + "elementwise_cuda.cu", "std::log1p(std::exp(-std::abs(x)))",
     "std::log1p(std::exp(-x))", "framework_elementwise", None),
    (OPS + "elementwise_cuda.cu", "x * normal_density(x)", "normal_density(x)",
     "framework_elementwise", None),
    (OPS + "elementwise_cuda.cu", "x > 0 ? g : p * g", "x < 0 ? g : p * g",
     "framework_elementwise", None),
    (OPS + "gemm_cuda.cu", "c = accumulate ? c + value : value;", "c = value;",
     "framework_conv1d", None),
    (OPS + "gemm_cuda.cu", "+ i * high + j * wide", "+ i * wide + j * high",
     "framework_matmul", None),
    # Convolutions of many channels.
    (OPS + "conv1d_cuda.cu", "g.accumulate = b > 0;", "g.accumulate = false;",
     "framework_conv1d", None),
    (OPS + "conv1d_cuda.cu", "memory_.data(), dx + inputs(b)", "memory_.data(), dx",
     "framework_conv1d", None),
    (OPS + "conv1d_cuda.cu", "plain_ ? 0 : streams_ * s.rows * columns_",
     "plain_ ? 0 : (streams_ * s.rows - 1) * columns_", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "windows(0, row, tap * windows.s.in + c)",
     "windows(0, row, c * windows.s.kernel + tap)", "framework_conv1d", None),
    (OPS + "windows_cuda.h",
     "t * s.stride != start || t >= s.rows) continue;",
     "t * s.stride != start) continue;", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "sum += windows[((b * s.rows + t)",
     "sum = windows[((b * s.rows + t)", "framework_conv1d", None),
    (OPS + "windows_cuda.h", "bias ? bias[i % out]", "bias ? bias[i / out]",
     "framework_conv1d", None),
    # Networks along streams.
    (OPS + "stream_net_cuda.cu", "(b * s.length + t + s.kernel - 1)",
     "(b * s.length + t)", "layers_augment_op", None),
    (OPS + "stream_net_cuda.cu", "t < last ? t : last", "t", "layers_cuda_streams",
     None),
    (OPS + "stream_net_cuda.cu", "s.original && t >= 0 ?", "s.original ?",
     "layers_augment_op", None),
    (OPS + "stream_net_cuda.cu", "i > 0 && s.relu ? in : nullptr", "nullptr",
     "layers_augment_op", None),
    (OPS + "windows_cuda.h", "out = accumulate ? out + value : value;",
     "out = value;", "layers_augment_op", None, [OPS + "stream_net_cuda.cu"]),
    # Lengths, points and windows of streams.
    (LENGTHS, "i % length < lengths[i / length]", "i % length <= lengths[i / length]",
     "layers_cuda_operations", None),
    (LENGTHS, "t < last ? t : last;\n    time", "t;\n    time",
     "layers_cuda_operations", None),
    (LENGTHS, "at < own ? at : own - 1", "at", "layers_augment", None),
    (LENGTHS, "skips ? s.skip + j", "skips ? j", "layers_cuda_streams", None),
    (LENGTHS, "at < last ? at : last;\n  }", "at;\n  }", "layers_cuda_streams", None),
    (LENGTHS, "i / points * stride", "i / points", "layers_recur", None),
    (LENGTHS, "t < points && !is_missing", "!is_missing", "layers_cuda_streams",
     "what is filled in beyond a stream's length is not read"),
    (LENGTHS, "if (!found) known = 0;", "", "layers_cuda_streams",
     "the missing value has been noted, and what is gathered by the index checks it"),
    ("layers/length_cuda.cu", "if (column(i)) return;", "column(i);",
     "layers_cuda_streams", None),
    (SIGNATURE + "window_lengths_cuda.cu", "least[shared ? 0 : b]", "least[b]",
     "layers_cuda_windows", None),
    (SIGNATURE + "window_lengths_cuda.cu", "if (lengths[b] >= fewest) return;",
     "if (lengths[b] > fewest) return;", "layers_cuda_windows", None),
    (WINDOW_INDICES, "least_of(i % s.points, n - 1)", "least_of(i % s.points, n)",
     "layers_cuda_windows", None),
    (WINDOW_INDICES, "if (piece >> s.rule.levels > 0) return n - 1;", "",
     "layers_cuda_windows",
     "where piece 2^levels would begin is the stream's last point anyway"),
    (WINDOW_INDICES, "+ t % each,", "+ t % each + 1,", "layers_cuda_windows", None),
    (WINDOW_INDICES, "w < last ? w : last < 0 ? 0 : last", "w", "layers_cuda_windows",
     None),
    (SIGNATURE + "window_rule.h", "/ rule.step + 1 :", "/ rule.step :",
     "layers_cuda_windows", None),
    (SIGNATURE + "signature_normalise_functor.h", "(sum(n, middle) > target ? high : low)",
     "(sum(n, middle) > target ? low : high)", "layers_signature_normalise", None),
    ("layers/take_points_cuda.cu", "t >= begin && t < end", "t < end",
     "layers_cuda_operations", None),
    ("layers/take_points_cuda.cu", "begin + stretch < s.length ? begin + stretch : s.length",
     "begin + stretch", "layers_cuda_operations", None),
    ("layers/running_sum_cuda.cu", "out[at] = sum;", "out[at] = sum - x[at];",
     "layers_cuda_operations", None),
    # What a kernel notes for the host.
    ("framework/cuda/faults_cuda.h", "record->limit = limit;", "",
     "framework_cuda_faults", None),
    ("framework/cuda/faults_cuda.h",
     "if (atomicCAS(&record->fault, 0, static_cast<int>(fault)) != 0) return;",
     "if (record->fault != 0) return;\n  record->fault = static_cast<int>(fault);",
     "framework_cuda_faults", None),
    (OPS + "loss_cuda.cu", "cuda::collect_warp(largest, cuda::Larger())", "largest",
     "framework_loss", None),
    # Subtrees of words, each number of channels in its own unit.
    (SUBTREE, "spelt_backwards = reversed(p, D, Q);", "spelt_backwards = p;",
     "layers_cuda_signature", None, tree(2)),
    (SUBTREE, "word = k == 0 || tail(k) == 0 ? sign * row[column] : T(0);",
     "word = sign * row[column];", "layers_cuda_signature", None, tree(4)),
    (SUBTREE, "each(next(k), Constant<Q>(), [&](auto j) {\n        chain[k] +=",
     "each(next(k), Constant<Q>(), [&](auto j) {\n        chain[k] =",
     "layers_cuda_signature", None, tree(5)),
    (SUBTREE, "ddx[n - K][i] += dg[n] * parent[n];",
     "ddx[0][i] += dg[n] * parent[n];", "layers_cuda_signature", None, tree(4)),
    (SUBTREE, "tail(i) / power(D, Q - k)", "tail(k) / power(D, Q - k)",
     "layers_cuda_signature", None, tree(6)),
    (SUBTREE, "if (k == 0 || tail(k) == 0) row[column] = sign * word;",
     "if (k == 0) row[column] = sign * word;", "layers_cuda_signature", None,
     tree(10)),
    (SUBTREE, "x / power(D, j - i)", "x / power(D, i)", "layers_cuda_signature", None,
     tree(2)),
    # Chains of prefixes, and what they are made of.
    (WALK, "T sum = a, dletter = a * g[k - 1][k];", "T sum = a, dletter = 0;",
     "layers_cuda_signature", None, CHAINS[1:]),
    (WALK, "reversed % power(d, k) : head(k)", "head(k) : head(k)",
     "layers_cuda_signature", None, CHAINS),
    (WALK, "if (place.owns(k)) lower[", "if (place.p == 0) lower[",
     "layers_cuda_signature", None, CHAINS),
    (LEVELS, "for (int i = end; i >= begin; --i) f(i);",
     "for (int i = end; i > begin; --i) f(i);", "layers_cuda_signature", None,
     CHAINS),
    (WORDS, "lengths[b] - 1 + based", "lengths[b] + based", "layers_cuda_signature",
     None, [SIGNATURE + "signature_ends_cuda.cu"]),
    (WORDS, "(t >= based) return to[0] - to[-channels]",
     "(t > based) return to[0] - to[-channels]", "layers_cuda_signature", None,
     [SIGNATURE + "signature_ends_cuda.cu"]),
    (DUAL, "a.value * b.slope + a.slope * b.value}", "a.slope * b.value}",
     "layers_second_derivatives", None, CHAINS),
    (DUAL, "quotient * b.slope", "quotient", "layers_second_derivatives", None,
     CHAINS),
    (DUAL, "slope ? slope[i] : T(0)", "slope[i]", "layers_second_derivatives", None,
     [SIGNATURE + "signature_second_cuda.cu"]),
    # Batches and updates.
    (STEP, "(state->batch & 1) * c.batch_size + i", "i",
     "training_trainer_cuda_graph", None),
    (STEP, "tile < p.item[middle].tiles", "tile <= p.item[middle].tiles",
     "training_trainer_cuda_update", None),
    (STEP, "if (s.stopped) return;", "", "training_trainer_cuda_graph", None),
    ("training/trainer/batch_cuda.cu", "table[at / width] * width + at % width",
     "table[at / width] * width", "training_trainer_cuda", None),
    ("training/optim/optimizer_cuda.h",
     "std::sqrt(v[i]) / s.root_correction + s.eps",
     "(std::sqrt(v[i]) + s.eps) / s.root_correction", "training_trainer_cuda_update",
     None, [STEP]),
    ("training/optim/optimizer_cuda.h", "const T w = s.shrink * weight[i];",
     "const T w = weight[i];", "training_trainer_cuda", None,
     ["training/optim/optimizer_cuda.cu"]),
    ("training/optim/optimizer_cuda.cu", "{Reduce::power, 2}", "{Reduce::power, 1}",
     "training_trainer_cuda", None),
]


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


class Build:
    def __init__(self, folder):
        self.folder = folder
        with open(folder / "compile_commands.json", encoding="utf-8") as file:
            self.commands = {pathlib.Path(c["file"]): c["command"]
                             for c in json.load(file)}

    @staticmethod
    def sanitizer(words):
        sanitized = any(w.startswith("-fsanitize") for w in words)
        return [] if sanitized else ["-fsanitize=address"]

    def compile(self, source, include, replaced, out):
        """Compiles `source` with the changed files of `include` first."""
        words = [w for w in shlex.split(self.commands[source])
                 if not w.endswith("ccache")]
        while words and not words[0].endswith("c++"):
            words.pop(0)
        words[words.index("-o") + 1] = str(out)
        for option in ("-MF", "-MT"):
            if option in words:
                at = words.index(option)
                del words[at:at + 2]
        words = [w for w in words if w != "-MD"]
        words[words.index(str(source))] = str(replaced.get(source, source))
        words[1:1] = [f"-I{include}", *self.sanitizer(words)]
        # Functors are the CPU's too, which is to keep its own.
        words += ["-w", "-fvisibility-inlines-hidden"]
        return run(words, cwd=self.folder)

    def link(self, test, objects, out):
        lines = run(["ninja", "-C", str(self.folder), "-t", "commands",
                     f"tests/test_{test}"]).stdout.splitlines()
        words = shlex.split(lines[-1])
        words = words[words.index("&&") + 1:] if words[0] == ":" else words
        words = words[:words.index("&&")] if "&&" in words else words
        words[words.index("-o") + 1] = str(out)
        words[1:1] = [*self.sanitizer(words), *(str(o) for o in objects)]
        return run(words, cwd=self.folder)


# Kernel files that a header's change is compiled into, by header or by test
# program.
USERS = {
    "framework_matmul": [OPS + "gemm_cuda.cu"],
    "framework_conv1d": [OPS + "conv1d_cuda.cu"],
    "framework_reduce": [OPS + "reduce_cuda.cu"],
    "framework_softmax": [OPS + "softmax_cuda.cu"],
    "framework_arithmetic": [OPS + "arithmetic_cuda.cu"],
    "layers_cuda_signature": tree(3),
    LENGTHS: ["layers/length_cuda.cu"],
    WINDOW_INDICES: [SIGNATURE + "window_lengths_cuda.cu"],
    SIGNATURE + "window_rule.h": [SIGNATURE + "window_lengths_cuda.cu"],
    SIGNATURE + "signature_normalise_functor.h":
        [SIGNATURE + "signature_normalise_cuda.cu"],
    "framework/cuda/faults_cuda.h": [OPS + "gather_cuda.cu"],
}


def units_of(fault):
    """The kernel files that are compiled with the changed file."""
    file, _, _, test, _, *given = fault
    if file.endswith(".cu"):
        return [file]
    return given[0] if given else USERS.get(file) or USERS[test]


def caught(build, fault, folder):
    """How a fault was caught, or '' if it was not."""
    file, text, replacement, test, *_ = fault
    source = (ROOT / file).read_text(encoding="utf-8")
    if text not in source:
        sys.exit(f"{file} has no {text!r}: update the list")
    changed = folder / "sigtape" / file
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text(source.replace(text, replacement, 1), encoding="utf-8")
    path = ROOT / file
    objects = []
    for i, unit in enumerate(units_of(fault)):
        out = folder / f"{i}.o"
        result = build.compile(ROOT / unit, folder, {path: changed}, out)
        if result.returncode:
            sys.exit(f"{file}: {replacement!r} does not compile:\n"
                     + result.stderr[-2000:])
        objects.append(out)
    program = folder / "test"
    result = build.link(test, objects, program)
    if result.returncode:
        sys.exit(f"{file}: {replacement!r} does not link:\n"
                 + result.stderr[-2000:])
    try:
        result = run([str(program)],
                     cwd=ROOT, timeout=300,
                     env={**os.environ, "SIGTAPE_BATTERY": "cuda",
                          "GTEST_BREAK_ON_FAILURE": "1",
                          "TSAN_OPTIONS": "halt_on_error=1"})
    except subprocess.TimeoutExpired:
        return "no end"
    if result.returncode == 0:
        return ""
    output = result.stdout + result.stderr
    for sign in ("AddressSanitizer", "ThreadSanitizer", "runtime error",
                 "cuda emulator", "deadlock"):
        if sign in output:
            return sign
    return "battery"


def fingerprint(fault):
    """Changes with the fault and with the file that it is planted in."""
    data = (ROOT / fault[0]).read_bytes() + repr((*fault[:4], units_of(fault))).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def shown(text):
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def report(rows):
    """The page of all (fault, how it was caught or '')."""
    found = sum(bool(how) for _, how in rows)
    lines = ["# Faults planted in the GPU kernels but those of signatures' chains", "",
             "What the battery on the emulator finds of faults planted one at "
             "a time (`tests/cuda_mutations.py`).", "",
             f"{found} of {len(rows)} found.", "",
             "| file | as it is | fault | found by |", "|---|---|---|---|"]
    for (file, text, replacement, _, why, *_), how in rows:
        verdict = how or f"**not found**: {why or 'no explanation'}"
        lines.append(f"| {file} | {shown(text)} | "
                     f"{shown(replacement) if replacement else '(removed)'} | "
                     f"{verdict} |")
    return "\n".join(lines) + "\n"


def check():
    """Whether every text stands in its file."""
    stale = [f for f in FAULTS
             if f[1] not in (ROOT / f[0]).read_text(encoding="utf-8")]
    for file, text, *_ in stale:
        print(f"{file} has no {text!r}")
    print(f"{len(FAULTS) - len(stale)} of {len(FAULTS)} texts found")
    return 1 if stale else 0


def verdict_of(builds, fault):
    """That of the first build that catches it, or ''."""
    for build in builds:
        with tempfile.TemporaryDirectory() as folder:
            how = caught(build, fault, pathlib.Path(folder))
        if how:
            return how
    return ""


def verdicts(builds, faults, results):
    """[(fault, how it was caught or '')], with those of `results` taken."""
    known = {}
    if results and results.exists():
        known = json.loads(results.read_text(encoding="utf-8"))
    rows = []
    for fault in faults:
        key = fingerprint(fault)
        if key not in known:
            known[key] = verdict_of(builds, fault)
            if results:
                results.write_text(json.dumps(known, indent=1),
                                   encoding="utf-8")
        how = known[key]
        rows.append((fault, how))
        verdict = how or f"missed: {fault[4] or 'NO EXPLANATION'}"
        print(f"{fault[0]}: {' '.join(fault[1].split())[:60]!r}: {verdict}",
              flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--races", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.check:
        return check()
    faults = [f for f in FAULTS if arguments.only in f[0] + f[1]]
    if arguments.list:
        for file, text, replacement, *_ in faults:
            print(f"{file}: {text!r} -> {replacement!r}")
        return 0
    if not arguments.build:
        parser.error("BUILD is missing")
    builds = [Build(b.resolve()) for b in (arguments.build, arguments.races) if b]
    rows = verdicts(builds, faults, arguments.results)
    found = sum(bool(how) for _, how in rows)
    silent = sum(not how and fault[4] is None for fault, how in rows)
    if arguments.report:
        arguments.report.write_text(report(rows), encoding="utf-8")
    print(f"{found} of {len(faults)} faults caught, {silent} missed without an "
          "explanation")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())

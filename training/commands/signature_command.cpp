#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/projected_signature.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/window_signature.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/data/npy.h"

namespace sigtape {

namespace {

Tensor read_tensor(const std::string& path) {
  const NpyArray array = read_npy(path);
  require<DataError>(is_floating(array.type), path,
                     ": expected float32 or float64 numbers, found ",
                     name_of(array.type));
  require<DataError>(array.shape.size() <= Shape::max_rank, path,
                     ": expected at most ", Shape::max_rank,
                     " dimensions, found ", array.shape.size());
  const DType dtype =
      array.type == NpyType::float32 ? DType::float32 : DType::float64;
  Tensor tensor =
      empty(Shape(array.shape.data(), static_cast<int>(array.shape.size())),
            {dtype, {}});
  dispatch_floating("read", tensor, [&]<class T>(auto, T) {
    if (array.bytes.empty()) return;
    std::memcpy(tensor.mutable_data<T>(), array.bytes.data(),
                array.bytes.size());
  });
  return tensor;
}

void write_tensor(const std::string& path, const Tensor& tensor) {
  const Tensor dense = contiguous(tensor.detach());
  const std::vector<std::int64_t> shape(dense.shape().begin(),
                                        dense.shape().end());
  dispatch_floating("write", dense, [&]<class T>(auto, T) {
    write_npy(path,
              npy_array<T>(shape, std::span(dense.data<T>(), dense.numel())));
  });
}

// Whole numbers separated by `separator`.
std::vector<std::int64_t> numbers(const char* option, std::string_view text,
                                  char separator) {
  std::vector<std::int64_t> list;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    std::int64_t number = 0;
    const auto [stop, error] =
        std::from_chars(text.data(), text.data() + end, number);
    require(error == std::errc() && stop == text.data() + end, option,
            ": expected whole numbers separated by '", separator, "', got '",
            text, "'");
    list.push_back(number);
    if (end == text.size()) return list;
    text.remove_prefix(end + 1);
  }
}

std::optional<Windows> windows_of(const SignatureCommand& c) {
  require(
      c.window.has_value() + c.expanding.has_value() + c.dyadic.has_value() <=
          1,
      "--window, --expanding and --dyadic: give one of them");
  const auto pair = [](const char* option, const std::string& text) {
    const auto list = numbers(option, text, ',');
    require(list.size() == 2, option, ": expected two numbers, got '", text,
            "'");
    return list;
  };
  if (c.window) {
    const auto n = pair("--window", *c.window);
    return Windows::sliding(n[0], n[1]);
  }
  if (c.expanding) {
    const auto n = pair("--expanding", *c.expanding);
    return Windows::expanding(n[0], n[1]);
  }
  if (c.dyadic) return Windows::dyadic(numbers("--dyadic", *c.dyadic, ' ')[0]);
  return {};
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(numbers("--words", text.substr(0, end), '.'));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return words;
}

void check_arguments(const SignatureCommand& c) {
  if (c.logsignature) logsignature_mode(*c.logsignature);
  require(!c.logsignature || !c.scalar_term,
          "--logsignature: a log-signature has no scalar term; leave out "
          "--scalar-term");
  const bool windowed = windows_of(c).has_value();
  require(!windowed || !c.stream, "--stream: windows are a stream already");
  require(
      !c.words || !(windowed || c.stream || c.scalar_term || c.logsignature),
      "--words: cannot be had with windows, --stream, --scalar-term or "
      "--logsignature");
  require(c.cotangent.has_value() == c.gradient.has_value(),
          "--cotangent and --gradient belong together: the one is read, the "
          "other written");
  require(c.output || c.gradient,
          "nothing to do: give --output, or --cotangent and --gradient");
}

Tensor windowed(const SignatureCommand& c, const Tensor& path,
                const Windows& windows) {
  const Basepoint basepoint(c.basepoint);
  if (c.logsignature) {
    return window_logsignature(path, c.depth, windows,
                               {.basepoint = basepoint,
                                .inverse = c.inverse,
                                .mode = logsignature_mode(*c.logsignature)});
  }
  return window_signature(path, c.depth, windows,
                          {.basepoint = basepoint,
                           .inverse = c.inverse,
                           .scalar_term = c.scalar_term});
}

Tensor projected(const SignatureCommand& c, const Tensor& path) {
  const WordSet words(path.size(2), words_of(*c.words));
  require(words.depth() <= c.depth, "--words: expected words of at most ",
          c.depth, " letters, the depth, got one of ", words.depth());
  return projected_signature(
      path, words, {.basepoint = Basepoint(c.basepoint), .inverse = c.inverse});
}

Tensor compute(const SignatureCommand& c, const Tensor& input) {
  Value x = {input, {}};
  if (c.time) x = add_time(x);
  if (c.lead_lag) x = lead_lag(x);
  const Tensor& path = x.data;
  if (c.words) return projected(c, path);
  if (const auto windows = windows_of(c)) return windowed(c, path, *windows);
  if (c.logsignature) {
    return logsignature(path, c.depth,
                        {.stream = c.stream,
                         .basepoint = Basepoint(c.basepoint),
                         .inverse = c.inverse,
                         .mode = logsignature_mode(*c.logsignature)});
  }
  return signature(path, c.depth,
                   {.stream = c.stream,
                    .basepoint = Basepoint(c.basepoint),
                    .inverse = c.inverse,
                    .scalar_term = c.scalar_term});
}

}  // namespace

ExitCode signature_command(const SignatureCommand& command) {
  check_arguments(command);
  use_threads(command.threads);
  Tensor path = read_tensor(command.input);
  require<DataError>(path.rank() == 3, command.input,
                     ": expected paths (batch, length, channels), found ",
                     path.shape(),
                     path.rank() == 2 ? "; one path needs a batch of 1" : "");
  path.set_requires_grad(command.gradient.has_value());
  const Tensor result = compute(command, path);
  if (command.gradient) {
    Tensor cotangent = cast(read_tensor(*command.cotangent), path.dtype());
    require<DataError>(cotangent.shape() == result.shape(), *command.cotangent,
                       ": expected the result's shape ", result.shape(),
                       ", found ", cotangent.shape());
    result.backward(cotangent);
    write_tensor(*command.gradient, path.grad());
  }
  if (command.output) write_tensor(*command.output, result);
  return ExitCode::ok;
}

}  // namespace sigtape

// The operation against the definition, for every combination of its flags
// and every instruction set.
#include <gtest/gtest.h>

#include <sstream>
#include <utility>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/tensor_algebra.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

struct Flags {
  bool stream, inverse, scalar_term, initial, lengths;
  Basepoint::Kind basepoint;
};

std::vector<Flags> all_flags() {
  std::vector<Flags> all;
  for (int bits = 0; bits < 32; ++bits)
    for (const auto kind : {Basepoint::Kind::none, Basepoint::Kind::zero,
                            Basepoint::Kind::values, Basepoint::Kind::tensor})
      all.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                     (bits & 8) != 0, (bits & 16) != 0, kind});
  return all;
}

std::string describe(const Shape& shape, int depth, const Flags& f) {
  std::ostringstream text;
  text << shape << " depth " << depth << " basepoint "
       << static_cast<int>(f.basepoint) << (f.stream ? " stream" : "")
       << (f.inverse ? " inverse" : "") << (f.scalar_term ? " scalar_term" : "")
       << (f.initial ? " initial" : "") << (f.lengths ? " lengths" : "");
  return text.str();
}

// The options for the inputs path, basepoint, initial, lengths, as far as the
// flags want them.
SignatureOptions options_of(const Flags& f, const std::vector<Tensor>& inputs) {
  SignatureOptions options;
  options.stream = f.stream;
  options.inverse = f.inverse;
  options.scalar_term = f.scalar_term;
  std::size_t next = 1;
  if (f.basepoint == Basepoint::Kind::zero) options.basepoint = true;
  if (f.basepoint == Basepoint::Kind::values) {
    std::vector<double> values;
    for (std::int64_t j = 0; j < inputs[0].size(2); ++j)
      values.push_back(.5 - .25 * static_cast<double>(j));
    options.basepoint = values;
  }
  if (f.basepoint == Basepoint::Kind::tensor)
    options.basepoint = inputs[next++];
  if (f.initial) options.initial = inputs[next++];
  if (f.lengths) options.lengths = inputs[next++];
  return options;
}

OpCase make_case(const Shape& shape, int depth, const Flags& f) {
  std::vector<Tensor> inputs{random_tensor(shape, 1)};
  inputs[0].mul_(.7);
  if (f.basepoint == Basepoint::Kind::tensor)
    inputs.push_back(random_tensor({shape[0], shape[2]}, 2));
  if (f.initial)
    inputs.push_back(random_tensor(
        {shape[0], signature_channels(shape[2], depth, f.scalar_term)}, 3));
  if (f.lengths) {
    std::vector<std::int64_t> lengths;
    for (std::int64_t b = 0; b < shape[0]; ++b)
      lengths.push_back(b % 2 ? shape[1] : 2 + (b + 1) % (shape[1] - 1));
    inputs.push_back(from_indices(lengths));
  }
  const auto op = [depth, f](const std::vector<Tensor>& in) {
    return signature(in[0], depth, options_of(f, in));
  };
  const auto reference = [depth, f](const std::vector<Tensor>& in) {
    return naive_signature(in[0], depth, options_of(f, in));
  };
  return {describe(shape, depth, f), inputs, op, reference};
}

std::vector<Isa> instruction_sets() {
  std::vector<Isa> sets;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon})
    if (isa_supported(isa)) sets.push_back(isa);
  return sets;
}

TEST(SignatureOp, EveryCombinationOfFlags) {
  const CollectWarnings initial_without_basepoint;
  std::vector<OpCase> cases;
  for (const Flags& f : all_flags())
    cases.push_back(make_case({3, 4, 2}, 3, f));
  for (const Isa isa : instruction_sets()) {
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    battery("signature", cases);
  }
}

TEST(SignatureOp, ManySizes) {
  std::vector<OpCase> cases;
  const Flags plain{false, false, false, false, false, Basepoint::Kind::none};
  const Flags stream{true, false, false, false, false, Basepoint::Kind::zero};
  for (const Flags& f : {plain, stream}) {
    for (const std::int64_t batch : {1, 2, 7, 8, 9, 17})
      cases.push_back(make_case({batch, 3, 2}, 3, f));
    for (const std::int64_t length : {2, 16, 33})
      cases.push_back(make_case({1, length, 2}, 2, f));
    for (const int depth : {1, 2, 4, 5})
      cases.push_back(make_case({2, 3, 2}, depth, f));
    for (const std::int64_t channels : {1, 3, 5, 7})
      cases.push_back(make_case({2, 3, channels}, 3, f));
  }
  for (const Isa isa : instruction_sets()) {
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    battery("signature", cases);
  }
}

// Large enough for the work to be shared.
TEST(SignatureOp, NumberOfThreadsChangesNoBit) {
  const int threads = num_threads();
  for (const Shape& shape : {Shape{130, 60, 3}, Shape{1, 400, 4}}) {
    for (const bool stream : {false, true}) {
      const auto run = [&](int count) {
        set_num_threads(count);
        Tensor path = cast(random_tensor(shape) * .2, DType::float32);
        path = path.detach().set_requires_grad();
        const Tensor y = signature(path, 4, {.stream = stream});
        y.backward(cast(random_tensor(y.shape(), 2), DType::float32));
        return std::pair(y.to_vector<float>(), path.grad().to_vector<float>());
      };
      const auto once = run(1);
      for (const int count : {2, 7}) EXPECT_EQ(once, run(count)) << shape;
    }
  }
  set_num_threads(threads);
}

// A path is several tasks, which share its scalar term and what came before:
// forward, backward, and the derivatives of the gradients.
TEST(SignatureOp, ThreadsShareAPathsScalarTerm) {
  const int threads = num_threads();
  for (const bool stream : {false, true}) {
    const auto run = [&](int count) {
      set_num_threads(count);
      Tensor path = random_tensor({3, 40, 6}).mul_(.2);
      Tensor initial = random_tensor({3, signature_channels(6, 4, true)}, 3);
      const std::vector<Tensor> inputs = {path.set_requires_grad(),
                                          initial.set_requires_grad()};
      const Tensor y = signature(path, 4,
                                 {.stream = stream,
                                  .basepoint = true,
                                  .initial = initial,
                                  .scalar_term = true});
      const Tensor g =
          gradients(sum(y * y), inputs, {}, {.create_graph = true})[0];
      sum(g * g).backward();
      return std::pair(path.grad().to_vector<double>(),
                       initial.grad().to_vector<double>());
    };
    const auto once = run(1);
    for (const int count : {2, 7}) EXPECT_EQ(once, run(count)) << stream;
  }
  set_num_threads(threads);
}

TEST(SignatureOp, OnePointWithABasepoint) {
  const Flags f{false, false, false, false, false, Basepoint::Kind::tensor};
  battery("signature", {make_case({2, 1, 3}, 3, f)});
}

}  // namespace
}  // namespace sigtape::test

#include "support/cuda_battery.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/cuda_orders.h"

namespace sigtape::test {

namespace {

using Tensors = std::vector<Tensor>;
using Values = std::vector<std::vector<double>>;

// The same values on `device`; `strided` as every second element of a wider
// storage with the axes in reverse order.
Tensors placed(const Tensors& inputs, DType dtype, Device device,
               bool strided) {
  Tensors result;
  for (const Tensor& t : inputs) {
    Tensor x =
        (is_floating(t.dtype()) ? cast(t, dtype) : t).detach().to(device);
    if (strided) {
      Shape reversed, strides = Shape::filled(x.rank(), 0);
      for (int i = x.rank() - 1; i >= 0; --i) reversed.push_back(x.shape()[i]);
      reversed.push_back(2);
      Tensor wide = full(reversed, -77, {x.dtype(), device});
      for (int i = 0; i < x.rank(); ++i) {
        strides[i] = wide.strides()[x.rank() - 1 - i];
      }
      Tensor view = alias(wide, x.shape(), strides, 1);
      view.copy_(x);
      x = view;
    }
    result.push_back(x);
  }
  return result;
}

// The values of one run, and the gradients of its sum times fixed weights.
Values run(const OpCase& c, Tensors inputs, Device device) {
  if (c.differentiable) {
    for (Tensor& t : inputs) {
      t = t.detach();
      if (is_floating(t.dtype())) t.set_requires_grad();
    }
  }
  const Tensor y = c.op(inputs);
  Values values = {y.to_vector()};
  EXPECT_EQ(y.device(), device);
  if (!y.requires_grad()) return values;
  y.backward(cast(random_tensor(y.shape(), 5), y.dtype()).to(device));
  for (const Tensor& t : inputs) {
    if (!is_floating(t.dtype()) || !t.grad().defined()) continue;
    EXPECT_EQ(t.grad().device(), device);
    values.push_back(t.grad().to_vector());
  }
  return values;
}

void compare(const OpCase& c, const Values& got, const Values& expected,
             DType dtype) {
  ASSERT_EQ(got.size(), expected.size());
  const bool wide = dtype == DType::float64;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double tolerance = wide     ? 1e-12
                             : i == 0 ? c.tolerance32
                                      : c.gradient_tolerance32;
    EXPECT_LE(relative_error(got[i], expected[i]), tolerance)
        << (i == 0 ? "value" : "gradient ") << (i == 0 ? "" : std::to_string(i))
        << " on cuda, " << dtype;
  }
}

// Large cases are run once in main memory, where threads take turns.
bool is_large(const OpCase& c) {
  std::int64_t elements = 0;
  for (const Tensor& t : c.inputs) elements += t.numel();
  return elements > 5000 && cuda::is_emulated();
}

void check_case(const OpCase& c, DType dtype) {
  const Device gpu{Device::Type::cuda, 0};
  const Values expected = run(c, placed(c.inputs, dtype, {}, false), {});
  const Tensors inputs = placed(c.inputs, dtype, gpu, false);
  const Values once = run(c, inputs, gpu);
  compare(c, once, expected, dtype);
  if (is_large(c)) return;
  const Tensors strided = placed(c.inputs, dtype, gpu, true);
  compare(c, run(c, strided, gpu), expected, dtype);
  for_each_thread_order([&](const char* order) {
    EXPECT_EQ(run(c, inputs, gpu), once) << order << " order, " << dtype;
  });
}

// False for an operation that says that it has no CUDA kernel.
bool check_case_if_any(const OpCase& c, DType dtype) {
  try {
    check_case(c, dtype);
    return true;
  } catch (const DeviceError& error) {
    const std::string message = error.what();
    if (message.find("has no CUDA kernel") == std::string::npos) throw;
    return false;
  }
}

void note(const std::string& op, const OpCase& c, const char* what) {
  static std::ofstream file = [] {
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").filename();
    const std::string folder = std::string(SIGTAPE_BINARY_DIR) + "/cuda_cases";
    std::filesystem::create_directories(folder);
    return std::ofstream(folder + "/" + program);
  }();
  file << op << "\t" << c.name << "\t" << what << std::endl;
}

}  // namespace

void cuda_battery(const std::string& op, const std::vector<OpCase>& cases) {
  for (const OpCase& c : cases) {
    SCOPED_TRACE(op + ": " + c.name);
    for (const DType dtype : {DType::float64, DType::float32}) {
      note(op, c, check_case_if_any(c, dtype) ? name_of(dtype) : "no kernel");
    }
  }
}

}  // namespace sigtape::test

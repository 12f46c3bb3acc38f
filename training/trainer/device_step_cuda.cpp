#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/optim/optimizer_kernels.h"
#include "sigtape/training/trainer/device_step.h"
#include "sigtape/training/trainer/step_kernels.h"
#include "sigtape/training/trainer/trainer.h"

namespace sigtape {

namespace {

constexpr auto state_bytes = static_cast<std::int64_t>(sizeof(StepState));

bool graphs_wanted() {
  const char* value = std::getenv("SIGTAPE_CUDA_GRAPH");
  return !value || std::strcmp(value, "0") != 0;
}

// A step of one number of cases, and the random numbers it draws.
struct CapturedStep {
  std::int64_t count;
  std::uint64_t draws;
  std::unique_ptr<cuda::Graph> graph;
};

}  // namespace

struct DeviceStep::Impl {
  Module& model;
  Optimizer& optimizer;
  const Objective& objective;
  const BatchSource& data;
  DeviceStepOptions options;
  Cuda device;
  Tensor state_memory, order;
  std::vector<NamedTensor> moments;  // first ones, then second ones
  std::optional<cuda::GraphMemory> memory;
  std::vector<CapturedStep> captured;

  Impl(Module& m, Optimizer& opt, const Objective& obj, const BatchSource& d,
       DeviceStepOptions o)
      : model(m),
        optimizer(opt),
        objective(obj),
        data(d),
        options(o),
        device{d.device().index},
        state_memory(empty({state_bytes / 8}, {DType::int64, d.device()})),
        order(empty({d.cases()}, {DType::int64, d.device()})),
        moments(opt.state()) {}

  ~Impl() { model.clear_gradients(); }

  StepState* state() {
    return reinterpret_cast<StepState*>(
        state_memory.mutable_data<std::int64_t>());
  }
  Device where() const { return data.device(); }

  void write(const StepState& s, std::span<const std::int64_t> cases) {
    cuda::copy(state(), where(), &s, {}, state_bytes);
    cuda::copy(order.mutable_data<std::int64_t>(), where(), cases.data(), {},
               static_cast<std::int64_t>(cases.size_bytes()));
  }

  // Everything of a step. Nothing here may read device memory, and nothing may
  // differ between two steps of the same number of cases.
  void step(std::int64_t count) {
    std::uint64_t* shift = cuda::random_shift(device.device);
    const std::uint64_t drawn = default_generator().offset;
    Tensor table = empty({3, count}, {DType::int64, where()});
    choose_batch(
        device, state(),
        {options.batch_size, count, data.cases(), drawn,
         order.data<std::int64_t>(), data.layout().data<std::int64_t>(),
         table.mutable_data<std::int64_t>(), shift});
    const Batch batch = data.gather(table);
    const Tensor loss =
        objective.loss(model.forward(batch.inputs).data, batch.targets);
    model.clear_gradients();
    loss.backward();
    const NoGrad no_grad;
    const Tensor squares = squared_norms();
    const Tensor weight = objective.weight_there(batch.targets);
    const StepEnd end{weight.defined() ? weight.data<double>() : nullptr,
                      squares.data<double>(),
                      squares.numel(),
                      static_cast<double>(count),
                      default_generator().offset - drawn,
                      optimizer.rule(),
                      options.clip.norm,
                      options.skip_non_finite ? options.most_skipped : 0,
                      shift};
    dispatch_floating("step", loss, [&]<class T>(auto, T) {
      end_step(device, state(), loss.data<T>(), end);
    });
    update_all();
  }

  // Of each parameter's gradient, float64 (parameters).
  Tensor squared_norms() const {
    const auto count = static_cast<std::int64_t>(optimizer.parameters().size());
    Tensor squares = zeros({count}, {DType::float64, where()});
    double* to = squares.mutable_data<double>();
    for (const NamedTensor& p : optimizer.parameters()) {
      double* sum_to = to++;
      if (!p.tensor.grad().defined()) continue;
      const Tensor gradient = contiguous(p.tensor.grad());
      dispatch_floating("step", gradient, [&]<class T>(auto, T) {
        sum_of_squares(device, gradient.numel(), gradient.data<T>(), sum_to);
      });
    }
    return squares;
  }

  void update_all() {
    const std::size_t count = optimizer.parameters().size();
    const UpdateRule rule = optimizer.rule();
    for (std::size_t i = 0; i < count; ++i) {
      Tensor weight = optimizer.parameters()[i].tensor.detach();
      const Tensor grad = optimizer.parameters()[i].tensor.grad();
      if (!grad.defined()) continue;
      const Tensor gradient = contiguous(grad);
      dispatch_floating("step", weight, [&]<class T>(auto, T) {
        const auto moment = [&](std::size_t at) -> T* {
          if (at >= moments.size()) return nullptr;
          return moments[at].tensor.mutable_data<T>();
        };
        update_weights(device, state(), rule, options.clip.value,
                       weight.numel(), weight.mutable_data<T>(),
                       gradient.data<T>(), moment(i), moment(count + i));
      });
    }
  }

  // A step without an effect: the state says that all has stopped.
  void rehearse(std::int64_t count) {
    const Generator generator = default_generator();
    model.train();
    memory->rehearse([&] {
      step(count);
      model.clear_gradients();
    });
    default_generator() = generator;
  }

  void capture(std::int64_t count) {
    const Generator generator = default_generator();
    model.train();
    CapturedStep result{count, 0, nullptr};
    const auto restore = [&] {
      model.clear_gradients();
      result.draws = default_generator().offset - generator.offset;
      default_generator() = generator;
    };
    try {
      result.graph = std::make_unique<cuda::Graph>(*memory, [&] {
        step(count);
        model.clear_gradients();
      });
    } catch (...) {
      restore();
      throw;
    }
    restore();
    captured.push_back(std::move(result));
  }

  void write_stopped() {
    std::vector<std::int64_t> all(data.cases());
    std::iota(all.begin(), all.end(), 0);
    StepState s;
    s.stopped = 1;
    s.random = default_generator().offset;
    write(s, all);
    cuda::synchronise(device.device);  // `all` has been read
  }

  bool fits(std::int64_t count) {
    try {
      memory.reset();
      cuda::empty_cache(device.device);
      memory.emplace(device.device);
      rehearse(count);
      return true;
    } catch (const MemoryError&) {
      return false;
    }
  }

  // After `count` cases did not fit: the most that do, or 0.
  std::int64_t largest_batch(std::int64_t count) {
    std::int64_t low = 0, high = count;  // low fits, high does not
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (fits(middle) ? low : high) = middle;
    }
    return low;
  }

  void rehearse_or_say_what_fits() {
    memory.emplace(device.device);
    const Generator generator = default_generator();
    try {
      rehearse(options.batch_size);
    } catch (const MemoryError& error) {
      const std::string what = error.what();
      default_generator() = generator;
      const std::int64_t largest = largest_batch(options.batch_size);
      default_generator() = generator;
      fail<MemoryError>("a step of ", options.batch_size, " cases: ", what,
                        "; the largest train.batch_size that fits is ",
                        largest);
    }
    if (options.rest > 0) rehearse(options.rest);
    cuda::synchronise(device.device);
  }

  void prepare(const std::function<void(const std::string&)>& note) {
    write_stopped();
    rehearse_or_say_what_fits();
    if (!graphs_wanted()) {
      return note(
          "CUDA: steps are launched operation by operation, not as one "
          "graph: SIGTAPE_CUDA_GRAPH=0");
    }
    try {
      capture(options.batch_size);
      if (options.rest > 0) capture(options.rest);
    } catch (const cuda::CaptureError& error) {
      captured.clear();
      note(std::string("CUDA: steps are launched operation by operation, not "
                       "as one graph: ") +
           error.what());
    }
  }

  void run(std::int64_t count) {
    for (CapturedStep& c : captured) {
      if (c.count != count) continue;
      c.graph->launch();
      default_generator().offset += c.draws;
      return;
    }
    step(count);
  }
};

DeviceStep::DeviceStep(Module& model, Optimizer& optimizer,
                       const Objective& objective, const BatchSource& data,
                       DeviceStepOptions options)
    : impl_(
          std::make_unique<Impl>(model, optimizer, objective, data, options)) {}
DeviceStep::~DeviceStep() = default;

void DeviceStep::prepare(const std::function<void(const std::string&)>& note) {
  impl_->prepare(note);
}

void DeviceStep::start_epoch(const TrainingState& state, double learning_rate,
                             std::span<const std::int64_t> order) {
  StepState s;
  s.learning_rate = learning_rate;
  s.batch = state.batch;
  s.step = state.step;
  s.updates = impl_->optimizer.steps();
  s.random = default_generator().offset;
  s.loss_sum = state.loss_sum;
  s.loss_weight = state.loss_weight;
  s.skipped = state.skipped;
  impl_->write(s, order);
}

void DeviceStep::run(std::int64_t count) { impl_->run(count); }

DeviceStep::Outcome DeviceStep::wait(TrainingState& state) {
  StepState s;
  cuda::copy(&s, {}, impl_->state(), impl_->where(), state_bytes);
  state.batch = s.batch;
  state.step = s.step;
  state.loss_sum = s.loss_sum;
  state.loss_weight = s.loss_weight;
  state.skipped = s.skipped;
  state.generator = default_generator();
  impl_->optimizer.set_steps(s.updates);
  return {s.loss, s.norm, s.stopped != 0};
}

}  // namespace sigtape

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
#include "sigtape/training/trainer/batch_stream.h"
#include "sigtape/training/trainer/device_step.h"
#include "sigtape/training/trainer/plan.h"
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
  Tensor state_memory, order;            // order: where data is there
  std::unique_ptr<BatchStream> batches;  // where it is streamed
  std::vector<NamedTensor> moments;      // first ones, then second ones
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
        order(empty({d.is_streamed() ? 0 : d.cases()},
                    {DType::int64, d.device()})),
        batches(d.is_streamed()
                    ? std::make_unique<BatchStream>(d, options.batch_size)
                    : nullptr),
        moments(opt.state()) {}

  ~Impl() { model.clear_gradients(); }

  StepState* state() {
    return reinterpret_cast<StepState*>(
        state_memory.mutable_data<std::int64_t>());
  }
  Device where() const { return data.device(); }

  void write(const StepState& s, std::span<const std::int64_t> cases) {
    cuda::copy(state(), where(), &s, {}, state_bytes);
    if (batches) return batches->start(cases, s.batch);
    cuda::copy(order.mutable_data<std::int64_t>(), where(), cases.data(), {},
               static_cast<std::int64_t>(cases.size_bytes()));
  }

  // Everything of a step. Nothing here may read device memory, and nothing may
  // differ between two steps of the same number of cases.
  void step(std::int64_t count) {
    std::uint64_t* shift = cuda::random_shift(device.device);
    const std::uint64_t drawn = default_generator().offset;
    Tensor table = empty({3, count}, {DType::int64, where()});
    const Tensor& layout = batches ? batches->layout() : data.layout();
    choose_batch(device, state(),
                 {options.batch_size, count, layout.size(1), drawn,
                  batches ? nullptr : order.data<std::int64_t>(),
                  layout.data<std::int64_t>(),
                  table.mutable_data<std::int64_t>(), shift});
    const ValueShape padded = data.shape();
    const Batch batch =
        batches
            ? data.gather(table, batches->points(), batches->targets(), padded)
            : data.gather(table, data.points(), data.targets(), padded);
    const Tensor loss =
        objective.loss(model.forward(batch.inputs).data, batch.targets);
    model.clear_gradients();
    loss.backward();
    const NoGrad no_grad;
    dispatch_floating("step", loss, [&]<class T>(auto, T) {
      end<T>(loss, batch.targets, count, default_generator().offset - drawn);
    });
  }

  // Norm of the gradients, verdict, update: a launch each for up to
  // FlatParameters::most parameters.
  template <class T>
  void end(const Tensor& loss, const Tensor& targets, std::int64_t count,
           std::uint64_t draws) {
    CacheVector<Tensor> kept;  // gradients made contiguous, until all is done
    const CacheVector<FlatParameters<T>> lists = flat_parameters<T>(kept);
    std::int64_t tiles = 0;
    for (const FlatParameters<T>& list : lists) tiles += list.tiles();
    Tensor squares = empty({tiles}, {DType::float64, where()});
    double* to = squares.mutable_data<double>();
    for (const FlatParameters<T>& list : lists) {
      square_tiles(device, list, to);
      to += list.tiles();
    }
    const Tensor weight = objective.weight_there(targets);
    end_step(device, state(), loss.data<T>(),
             StepEnd{weight.defined() ? weight.data<double>() : nullptr,
                     squares.data<double>(), tiles, static_cast<double>(count),
                     draws, optimizer.rule(), options.clip.norm,
                     options.skip_non_finite ? options.most_skipped : 0,
                     cuda::random_shift(device.device)});
    for (const FlatParameters<T>& list : lists) {
      update_weights(device, state(), optimizer.rule(), options.clip.value,
                     list);
    }
  }

  // Those with a gradient and elements.
  template <class T>
  CacheVector<FlatParameters<T>> flat_parameters(CacheVector<Tensor>& kept) {
    CacheVector<FlatParameters<T>> lists;
    const std::vector<NamedTensor>& all = optimizer.parameters();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Tensor& grad = all[i].tensor.grad();
      if (!grad.defined() || grad.numel() == 0) continue;
      kept.push_back(contiguous(grad));
      Tensor weight = all[i].tensor.detach();
      const auto moment = [&](std::size_t at) -> T* {
        return at < moments.size() ? moments[at].tensor.mutable_data<T>()
                                   : nullptr;
      };
      if (lists.empty() || lists.back().items == FlatParameters<T>::most) {
        lists.emplace_back();
      }
      lists.back().add({weight.mutable_data<T>(), kept.back().data<T>(),
                        moment(i), moment(all.size() + i), grad.numel(), 0});
    }
    return lists;
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
    if (batches) batches->before_step();  // whatever reads it finds a batch
    cuda::synchronise(device.device);     // `all` has been read
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
    if (batches) {
      note("CUDA: the training data, " +
           byte_text(static_cast<double>(data.bytes())) +
           ", does not fit on the device beside the model; each batch is "
           "copied there while the step before it runs");
    }
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
    if (batches) batches->before_step();
    launch(count);
    if (batches) batches->after_step();
  }

  void launch(std::int64_t count) {
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

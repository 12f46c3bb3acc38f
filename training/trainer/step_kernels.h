#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/training/optim/optimizer.h"

namespace sigtape {

/// What changes from step to step, in device memory.
struct StepState {
  double learning_rate = 0;
  std::int64_t batch = 0;    // the next one of the epoch
  std::int64_t step = 0;     // done so far
  std::int64_t updates = 0;  // of the optimiser
  std::uint64_t random = 0;  // numbers drawn so far
  double loss_sum = 0, loss_weight = 0;
  std::int64_t skipped = 0;  // steps in a row that were not finite
  std::int64_t stopped = 0;  // 1: no step has an effect any more
  // Of the last step.
  double loss = 0, norm = 0;
  std::int64_t refused = 0;
  double scale = 1, step_size = 0, root_correction = 1, shrink = 1;
};

/// The batch that is next in `order` [cases] as table [3, count]: of each case
/// its index, first point and length out of layout [2, cases]. Null order: the
/// cases of batches with an even number come first, of odd ones second, as
/// BatchStream has them. *shift becomes
/// how far the random numbers are beyond `drawn`, those of the capture.
struct BatchChoice {
  std::int64_t batch_size = 0, count = 0, cases = 0;
  std::uint64_t drawn = 0;
  const std::int64_t *order = nullptr, *layout = nullptr;
  std::int64_t* table = nullptr;
  std::uint64_t* shift = nullptr;
};
void choose_batch(Cuda, const StepState* state, const BatchChoice& choice);

/// Parameters that one launch takes, side by side: their elements are cut into
/// tiles, each of one parameter, and a tile is a block's.
template <class T>
struct FlatParameters {
  static constexpr int most = 64;
  static constexpr int tile = 2048;
  /// Arrays [count]; first, second: velocity (or null), or the moments.
  struct Item {
    T* weight;
    const T* gradient;
    T *first, *second;
    std::int64_t count;
    std::int64_t tiles;  // up to here
  };
  int items = 0;
  Item item[most];

  std::int64_t tiles() const { return items ? item[items - 1].tiles : 0; }
  /// Sets the number of tiles of `next` and takes it in; there must be room.
  void add(Item next) {
    next.tiles = tiles() + (next.count + tile - 1) / tile;
    item[items++] = next;
  }
};

/// squares [parameters.tiles()]: the sum of squares of each tile's gradients.
template <class T>
void square_tiles(Cuda, const FlatParameters<T>& parameters, double* squares);

/// What a step's end is decided by. `weight`, where it is not null, replaces
/// the number of cases; squares [tiles]; `draws`: random numbers taken.
struct StepEnd {
  const double *weight = nullptr, *squares = nullptr;
  std::int64_t tiles = 0;
  double cases = 0;
  std::uint64_t draws = 0;
  UpdateRule rule;
  double clip_norm = 0;
  std::int64_t most_skipped = 0;  // 0: the first stops
  std::uint64_t* shift = nullptr;
};
/// Counts the step, adds its loss to the sums and sets what updates read;
/// refuses it where loss or gradient are not finite. *shift becomes 0.
template <class T>
void end_step(Cuda, StepState* state, const T* loss, const StepEnd& end);

/// The parameters' update by the numbers in *state; nothing where the step is
/// refused.
template <class T>
void update_weights(Cuda, const StepState* state, const UpdateRule& rule,
                    double clip_value, const FlatParameters<T>& parameters);

}  // namespace sigtape

#include "sigtape/training/data/array_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

using Shape = std::vector<std::int64_t>;
using Doubles = std::vector<double>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

NpyArray doubles(Shape shape, const Doubles& values) {
  return npy_array<double>(std::move(shape), values);
}
NpyArray integers(Shape shape, const Shape& values) {
  return npy_array<std::int64_t>(std::move(shape), values);
}

// Two cases of two points of two channels.
const NpyArray kX = doubles({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});

Dataset make(const NpzArrays& arrays,
             MissingChoice missing = MissingChoice::error) {
  return dataset_from_arrays(arrays, "a.npz", missing);
}

TEST(ArrayReader, IntegersAreClasses) {
  const Dataset data = make({{"x", kX}, {"y", integers({2}, {10, -2})}});
  EXPECT_EQ(data.target, TargetKind::classes);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"-2", "10"}));
  EXPECT_EQ(data.labels, (Shape{1, 0}));
  EXPECT_EQ(data.values, (Doubles{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(data.source, "a.npz");
}

TEST(ArrayReader, FloatsAreNumbers) {
  const Dataset one = make({{"x", kX}, {"y", doubles({2}, {0.5, 1})}});
  EXPECT_EQ(one.target, TargetKind::numbers);
  EXPECT_EQ(one.outputs, 1);
  const Dataset two = make({{"x", kX}, {"y", doubles({2, 2}, {1, 2, 3, 4})}});
  EXPECT_EQ(two.outputs, 2);
  EXPECT_EQ(two.numbers, (Doubles{1, 2, 3, 4}));
  EXPECT_EQ(make({{"x", kX}}).target, TargetKind::none);
}

TEST(ArrayReader, LengthsEndAStreamAndWhatFollowsIsNotRead) {
  const NpyArray x =
      doubles({2, 2, 2}, {1, 2, nan_value, infinite, 5, 6, 7, 8});
  const Dataset data = make({{"x", x}, {"lengths", integers({2}, {1, 2})}});
  EXPECT_EQ(data.lengths, (Shape{1, 2}));
  EXPECT_EQ(data.values, (Doubles{1, 2, 5, 6, 7, 8}));
}

TEST(ArrayReader, FillsMissingValues) {
  const NpyArray x = doubles({1, 3, 1}, {1, nan_value, 4});
  EXPECT_EQ(make({{"x", x}}, MissingChoice::linear).values[1], 2.5);
  EXPECT_EQ(make({{"x", x}}, MissingChoice::forward).values[1], 1);
}

struct Broken {
  NpzArrays arrays;
  std::string message;
};

TEST(ArrayReader, NamesArrayExpectationAndFinding) {
  const std::vector<Broken> all = {
      {{}, "a.npz: expected an array x, found none"},
      {{{"y", kX}}, "expected an array x, found others only"},
      {{{"x", kX}, {"z", kX}},
       "expected the arrays x, y and lengths, found 'z'"},
      {{{"x", doubles({4, 2}, Doubles(8))}},
       "a.npz:x: expected the shape (cases, length, channels), found (4, 2)"},
      {{{"x", doubles({0, 2, 2}, {})}}, "found the shape (0, 2, 2)"},
      {{{"x", kX}, {"y", integers({3}, {1, 2, 3})}},
       "a.npz:y: expected 2 cases as in x, found the shape (3,)"},
      {{{"x", kX}, {"y", integers({}, {1})}},
       "expected 2 cases as in x, found the shape ()"},
      {{{"x", kX}, {"y", integers({2, 1}, {1, 2})}},
       "expected the shape (cases,) for integers"},
      {{{"x", kX}, {"y", doubles({2, 1, 1}, {1, 2})}},
       "expected the shape (cases,) or (cases, outputs)"},
      {{{"x", kX}, {"y", doubles({2, 0}, {})}},
       "expected at least one number per case"},
      {{{"x", kX}, {"y", doubles({2}, {1, nan_value})}},
       "expected finite numbers, found nan in case 2"},
      {{{"x", kX}, {"lengths", integers({1}, {1})}},
       "a.npz:lengths: expected the shape (2,)"},
      {{{"x", kX}, {"lengths", integers({2, 1}, {1, 1})}},
       "one length per case, found (2, 1)"},
      {{{"x", kX}, {"lengths", doubles({2}, {1, 2})}},
       "expected integers, found float64"},
      {{{"x", kX}, {"lengths", integers({2}, {1, 3})}},
       "expected a length from 1 to 2 for case 2, found 3"},
      {{{"x", kX}, {"lengths", integers({2}, {0, 1})}}, "for case 1, found 0"},
      {{{"x", doubles({1, 2, 2}, {1, 2, 3, infinite})}},
       "found an infinite one at point 2 of channel 2 of case 1"},
      {{{"x", doubles({1, 2, 1}, {1, nan_value})}},
       "a.npz:x: case 1: expected a number, found a missing value at point 2"},
  };
  for (const Broken& broken : all) {
    try {
      make(broken.arrays);
      ADD_FAILURE() << "no error: " << broken.message;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(broken.message),
                std::string::npos)
          << broken.message << "\n  " << error.what();
    }
  }
}

}  // namespace
}  // namespace sigtape

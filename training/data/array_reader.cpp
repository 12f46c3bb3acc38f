#include "sigtape/training/data/array_reader.h"

#include <algorithm>
#include <cmath>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/missing.h"
#include "sigtape/training/data/number.h"

namespace sigtape {

namespace {

// An array with the words that name it in messages.
struct Named {
  const NpyArray& array;
  std::string where;

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    sigtape::require<DataError>(condition, where, ": ", parts...);
  }
  std::int64_t rank() const {
    return static_cast<std::int64_t>(array.shape.size());
  }
};

void check_x(const Named& x) {
  const auto& shape = x.array.shape;
  x.require(x.rank() == 3,
            "expected the shape (cases, length, channels), found ",
            shape_text(shape));
  x.require(std::find(shape.begin(), shape.end(), 0) == shape.end(),
            "expected at least one case, point and channel, found the shape ",
            shape_text(shape));
}

std::vector<std::int64_t> read_lengths(const Named& lengths,
                                       const std::vector<std::int64_t>& x) {
  lengths.require(lengths.rank() == 1 && lengths.array.shape[0] == x[0],
                  "expected the shape (", x[0],
                  ",), one length per case, found ",
                  shape_text(lengths.array.shape));
  auto result = to_integers(lengths.array, lengths.where);
  for (std::size_t i = 0; i < result.size(); ++i) {
    lengths.require(result[i] >= 1 && result[i] <= x[1],
                    "expected a length from 1 to ", x[1], " for case ", i + 1,
                    ", found ", result[i]);
  }
  return result;
}

void read_streams(Dataset& data, const Named& x,
                  const std::vector<std::int64_t>& lengths,
                  MissingChoice missing) {
  const auto& shape = x.array.shape;
  data.channels = shape[2];
  std::vector<double> values = to_doubles(x.array);
  const std::size_t row = static_cast<std::size_t>(shape[1] * shape[2]);
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto used = static_cast<std::size_t>(lengths[i] * shape[2]);
    const auto stream = std::span(values).subspan(i * row, used);
    const auto infinite =
        std::find_if(stream.begin(), stream.end(),
                     [](double value) { return std::isinf(value); });
    const auto place = infinite - stream.begin();
    x.require(infinite == stream.end(),
              "expected finite numbers, found an infinite one at point ",
              place / shape[2] + 1, " of channel ", place % shape[2] + 1,
              " of case ", i + 1);
    fill_missing(stream, shape[2], missing,
                 x.where + ": case " + std::to_string(i + 1));
    data.add_stream(stream);
  }
}

void read_numbers(Dataset& data, const Named& y) {
  y.require(y.rank() == 1 || y.rank() == 2,
            "expected the shape (cases,) or (cases, outputs), found ",
            shape_text(y.array.shape));
  data.target = TargetKind::numbers;
  data.outputs = y.rank() == 1 ? 1 : y.array.shape[1];
  y.require(data.outputs > 0, "expected at least one number per case, found ",
            shape_text(y.array.shape));
  data.numbers = to_doubles(y.array);
  for (std::size_t i = 0; i < data.numbers.size(); ++i) {
    y.require(std::isfinite(data.numbers[i]), "expected finite numbers, found ",
              data.numbers[i], " in case ",
              static_cast<std::int64_t>(i) / data.outputs + 1);
  }
}

void read_classes(Dataset& data, const Named& y) {
  y.require(y.rank() == 1,
            "expected the shape (cases,) for integers, the classes, found ",
            shape_text(y.array.shape));
  std::vector<std::string> names;
  for (const std::int64_t number : to_integers(y.array, y.where)) {
    names.push_back(std::to_string(number));
  }
  set_classes(data, names);
}

Dataset make_dataset(const Named& x, const Named* y, const Named* lengths,
                     MissingChoice missing) {
  check_x(x);
  const auto& shape = x.array.shape;
  if (y) {
    y->require(y->rank() > 0 && y->array.shape[0] == shape[0], "expected ",
               counted(shape[0], "case"), " as in x, found the shape ",
               shape_text(y->array.shape));
  }
  Dataset data;
  read_streams(data, x,
               lengths ? read_lengths(*lengths, shape)
                       : std::vector<std::int64_t>(
                             static_cast<std::size_t>(shape[0]), shape[1]),
               missing);
  if (y)
    is_floating(y->array.type) ? read_numbers(data, *y)
                               : read_classes(data, *y);
  return data;
}

}  // namespace

Dataset dataset_from_arrays(const NpzArrays& arrays, const std::string& source,
                            MissingChoice missing) {
  std::vector<Named> found;
  for (const auto& [name, array] : arrays) {
    require<DataError>(name == "x" || name == "y" || name == "lengths", source,
                       ": expected the arrays x, y and lengths, found ",
                       in_quotes(name));
    found.push_back({array, source + ":" + name});
  }
  const auto find = [&](const std::string& name) -> const Named* {
    const auto at = arrays.find(name);
    return at == arrays.end() ? nullptr
                              : &found[static_cast<std::size_t>(
                                    std::distance(arrays.begin(), at))];
  };
  const Named* const x = find("x");
  require<DataError>(x, source, ": expected an array x, found ",
                     arrays.empty() ? "none" : "others only");
  Dataset data = make_dataset(*x, find("y"), find("lengths"), missing);
  data.source = source;
  return data;
}

Dataset read_npz_dataset(const std::string& path, MissingChoice missing) {
  return dataset_from_arrays(read_npz(path), path, missing);
}

Dataset read_npy_dataset(const std::string& x_path, const std::string& y_path,
                         MissingChoice missing) {
  const NpyArray x = read_npy(x_path);
  const NpyArray y = y_path.empty() ? NpyArray{} : read_npy(y_path);
  const Named named_x{x, x_path}, named_y{y, y_path};
  Dataset data = make_dataset(named_x, y_path.empty() ? nullptr : &named_y,
                              nullptr, missing);
  data.source = x_path;
  return data;
}

}  // namespace sigtape

#include "sigtape/training/trainer/weights.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "sigtape/framework/tape.h"
#include "sigtape/training/data/npz.h"
#include "sigtape/training/io/tensor_array.h"

namespace sigtape {

namespace {

std::string shape_text_of(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (const std::int64_t size : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + ")";
}

bool same_shape(const NamedArray& array, const Tensor& tensor) {
  return std::equal(array.shape.begin(), array.shape.end(),
                    tensor.shape().begin(), tensor.shape().end());
}

NamedArray from_npy(const std::string& name, const NpyArray& array,
                    const std::string& source) {
  require<DataError>(is_floating(array.type), source, ": '", name,
                     "': expected float32 or float64 numbers, found ",
                     name_of(array.type));
  NamedArray result{name, DType::float64, array.shape, {}};
  const std::vector<double> values = to_doubles(array);
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  result.bytes.assign(bytes, bytes + values.size() * sizeof(double));
  return result;
}

// What is wrong with `arrays` as values for `tensors`; "" if nothing is.
std::string mismatches(const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, const NamedArray*>& arrays) {
  std::ostringstream text;
  std::size_t found = 0;
  for (const NamedTensor& t : tensors) {
    const auto at = arrays.find(t.name);
    if (at == arrays.end()) {
      text << "\n  '" << t.name << "' " << t.tensor.shape() << " is missing";
      continue;
    }
    ++found;
    if (!same_shape(*at->second, t.tensor)) {
      text << "\n  '" << t.name << "': expected shape " << t.tensor.shape()
           << ", the file has " << shape_text_of(at->second->shape);
    }
  }
  if (found == arrays.size()) return text.str();
  std::map<std::string, const NamedArray*> unknown = arrays;
  for (const NamedTensor& t : tensors) unknown.erase(t.name);
  for (const auto& [name, array] : unknown) {
    text << "\n  '" << name << "' is not a parameter of this model";
  }
  return text.str();
}

}  // namespace

std::vector<NamedArray> to_arrays(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedArray> arrays;
  for (const NamedTensor& t : tensors) {
    arrays.push_back(to_named_array(t.name, t.tensor));
  }
  return arrays;
}

void assign_arrays(const std::vector<NamedTensor>& tensors,
                   const std::vector<NamedArray>& arrays,
                   const std::string& source) {
  std::map<std::string, const NamedArray*> by_name;
  for (const NamedArray& array : arrays) by_name[array.name] = &array;
  const std::string wrong = mismatches(tensors, by_name);
  require<DataError>(wrong.empty(), source, ": does not fit the model:", wrong);
  const NoGrad no_grad;
  for (const NamedTensor& t : tensors) {
    Tensor target = t.tensor;
    copy_array_into(target, *by_name.at(t.name), source);
  }
}

void load_weights(Module& model, const std::string& path) {
  std::vector<NamedArray> arrays;
  if (path.ends_with(".npz")) {
    for (const auto& [name, array] : read_npz(path)) {
      arrays.push_back(from_npy(name, array, path));
    }
  } else if (path.ends_with(".safetensors")) {
    arrays = read_safetensors(path).arrays;
  } else {
    fail("weights: expected a .npz or .safetensors file, got '", path, "'");
  }
  assign_arrays(model.named_parameters(), arrays, path);
}

}  // namespace sigtape

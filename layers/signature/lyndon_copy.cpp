#include "sigtape/layers/signature/lyndon_copy.h"

#include <map>
#include <mutex>
#include <tuple>

#include "sigtape/framework/cuda/runtime.h"

namespace sigtape {

namespace {

template <class T>
const T* copied(const T* from, std::int64_t count, int device) {
  if (!from) return nullptr;
  const auto bytes = count * static_cast<std::int64_t>(sizeof(T));
  void* to = cuda::allocate(bytes, device).data;
  cuda::copy(to, {Device::Type::cuda, device}, from, {}, bytes);
  return static_cast<const T*>(to);
}

SparseRows copied(const SparseRows& rows, std::int64_t count, int device) {
  if (!rows.begin) return {};
  return {copied(rows.begin, count + 1, device),
          copied(rows.column, rows.begin[count], device),
          copied(rows.coefficient, rows.begin[count], device)};
}

}  // namespace

const LyndonTable& lyndon_on_device(const LyndonTable& table,
                                    std::int64_t columns, int device) {
  // The maps of a table may grow: what it has belongs to its name.
  using Key = std::tuple<const void*, const void*, const void*, int>;
  static std::mutex mutex;
  static auto& tables = *new std::map<Key, LyndonTable>;
  const std::lock_guard lock(mutex);
  const Key key{table.column, table.words_of_brackets.begin,
                table.signature_of_brackets.begin, device};
  const auto [entry, is_new] = tables.try_emplace(key);
  LyndonTable& to = entry->second;
  if (!is_new) return to;
  to.count = table.count;
  to.column = copied(table.column, table.count, device);
  to.words_of_brackets = copied(table.words_of_brackets, table.count, device);
  to.signature_of_brackets =
      copied(table.signature_of_brackets, columns, device);
  return to;
}

}  // namespace sigtape

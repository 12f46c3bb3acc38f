#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "sigtape/framework/allocator.h"

namespace sigtape {

/// Base of objects that count their own references and live in the caching
/// allocator. `Derived` may hide `destroy` to decide how it is freed.
template <class Derived>
class RefCounted {
 public:
  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Derived::destroy(const_cast<Derived*>(static_cast<const Derived*>(this)));
    }
  }
  /// Retains unless the last reference is already gone.
  bool retain_if_alive() const {
    int count = references();
    while (count > 0) {
      if (references_.compare_exchange_weak(count, count + 1)) return true;
    }
    return false;
  }
  int references() const { return references_.load(std::memory_order_acquire); }

  static void* operator new(std::size_t bytes) { return cache_allocate(bytes); }
  static void operator delete(void* block) { cache_free(block); }

 protected:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  static void destroy(Derived* object) { delete object; }

 private:
  mutable std::atomic<int> references_{0};
};

/// A counted reference to a RefCounted object, or null.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref& other) const = default;

 private:
  T* object_ = nullptr;
};

}  // namespace sigtape

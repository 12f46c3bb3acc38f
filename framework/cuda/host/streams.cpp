#include "sigtape/framework/cuda/host/streams.h"

#include <deque>
#include <mutex>
#include <utility>

#include "sigtape/framework/cuda/host/guard.h"

namespace sigtape::cuda_host {

namespace {

// Work, or a wait for an event.
struct Item {
  std::function<void()> work;
  Event awaited;
};

struct Stream {
  std::deque<Item> items;
  std::int64_t given = 0, done = 0;
};

Timing timing = Timing::prompt;
// Tests of several threads share the device.
std::recursive_mutex& mutex = *new std::recursive_mutex;
Stream* streams = new Stream[2];
// A thread that runs work of a stream gives no more to it.
thread_local bool running = false;

Stream& of(StreamName name) { return streams[static_cast<int>(name)]; }

bool is_done(const Event& e) { return of(e.stream).done >= e.place; }

void run_front(Stream& stream) {
  const Item item = std::move(stream.items.front());
  stream.items.pop_front();
  if (item.work) {
    const DeviceWork device;
    running = true;
    item.work();
    running = false;
  }
  ++stream.done;
}

void advance_to(const Event& e) {
  Stream& stream = of(e.stream);
  while (stream.done < e.place) {
    const Event awaited = stream.items.front().awaited;
    if (!is_done(awaited)) advance_to(awaited);
    run_front(stream);
  }
}

// What may run without waiting for the other stream.
bool advance(StreamName name) {
  Stream& stream = of(name);
  bool any = false;
  while (!stream.items.empty() && is_done(stream.items.front().awaited)) {
    run_front(stream);
    any = true;
  }
  return any;
}

void run_what_may() {
  if (timing == Timing::prompt) {
    while (advance(StreamName::device) || advance(StreamName::copies)) {
    }
  } else {
    advance(timing == Timing::late_device ? StreamName::copies
                                          : StreamName::device);
  }
}

void give(StreamName name, Item item) {
  const std::lock_guard lock(mutex);
  of(name).items.push_back(std::move(item));
  ++of(name).given;
  run_what_may();
}

}  // namespace

void set_timing(Timing to) { timing = to; }

void enqueue(StreamName stream, std::function<void()> work) {
  give(stream, {std::move(work), {}});
}

Event event(StreamName stream) {
  const std::lock_guard lock(mutex);
  return {stream, of(stream).given};
}

void wait(StreamName stream, const Event& event) { give(stream, {{}, event}); }

void finish(const Event& event) {
  if (running) return;
  const std::lock_guard lock(mutex);
  advance_to(event);
  run_what_may();
}

void finish(StreamName stream) { finish(event(stream)); }

}  // namespace sigtape::cuda_host

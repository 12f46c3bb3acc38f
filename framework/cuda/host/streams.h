#pragma once

#include <cstdint>
#include <functional>

/// The two streams of the emulated device in time: `device`, that of kernels
/// and graphs, and `copies`. Each keeps its order; between them only events
/// count. What runs when, within that, a test chooses.
///
/// Only whole graphs and copies of the second stream wait in a queue: anything
/// else that is given to the device runs at once, after all before it.
namespace sigtape::cuda_host {

enum class StreamName { device, copies };

enum class Timing {
  prompt,       // everything at once
  late_device,  // copies as soon as they may, graphs when somebody waits
  late_copies,  // graphs as soon as they may, copies when somebody waits
};
void set_timing(Timing timing);

/// A place in a stream's order; at first, the beginning.
struct Event {
  StreamName stream = StreamName::device;
  std::int64_t place = 0;
};

void enqueue(StreamName stream, std::function<void()> work);
/// Behind all that the stream has been given so far.
Event event(StreamName stream);
/// What `stream` is given from here on comes after `event`.
void wait(StreamName stream, const Event& event);

/// Runs all up to an event, or all of a stream.
void finish(const Event& event);
void finish(StreamName stream);

}  // namespace sigtape::cuda_host

#include "sigtape/training/run/signals.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

constexpr std::array<int, 5> handled = {SIGINT, SIGTERM, SIGHUP, SIGPIPE,
                                        SIGXFSZ};

/// The signal that came first, 0 for none. Lock-free: a handler may touch it.
std::atomic<int> received = 0;
static_assert(std::atomic<int>::is_always_lock_free);

std::atomic<bool> guarded = false;
std::array<struct sigaction, handled.size()> before;

extern "C" void remember_signal(int signal) {
  int none = 0;
  const bool first = received.compare_exchange_strong(none, signal);
  if (!first && signal == SIGINT && none == SIGINT) ::_exit(128 + SIGINT);
}

void install(int signal, struct sigaction& old) {
  struct sigaction action = {};
  action.sa_handler = signal == SIGXFSZ ? SIG_IGN : remember_signal;
  // Calls in other libraries go on as if nothing had come.
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, nullptr, &old);
  if (old.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
}

}  // namespace

Interruption interruption() {
  switch (received.load(std::memory_order_relaxed)) {
    case SIGINT:
      return Interruption::interrupt;
    case SIGTERM:
      return Interruption::terminate;
    case SIGHUP:
      return Interruption::hangup;
    case SIGPIPE:
      return Interruption::closed_pipe;
    default:
      return Interruption::none;
  }
}

int exit_status_of(Interruption interruption) {
  switch (interruption) {
    case Interruption::interrupt:
      return 128 + SIGINT;
    case Interruption::terminate:
    case Interruption::hangup:
      return 128 + SIGTERM;
    case Interruption::closed_pipe:
      return 128 + SIGPIPE;
    case Interruption::none:
      break;
  }
  return 0;
}

SignalGuard::SignalGuard() {
  require(!guarded.exchange(true), "SignalGuard: there is one already");
  received = 0;
  for (std::size_t i = 0; i < handled.size(); ++i)
    install(handled[i], before[i]);
}

SignalGuard::~SignalGuard() {
  for (std::size_t i = 0; i < handled.size(); ++i)
    ::sigaction(handled[i], &before[i], nullptr);
  received = 0;
  guarded = false;
}

}  // namespace sigtape

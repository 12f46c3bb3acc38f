#pragma once

namespace sigtape {

/// What asked a running training to stop.
enum class Interruption { none, interrupt, terminate, hangup, closed_pipe };

/// The first of SIGINT, SIGTERM, SIGHUP and SIGPIPE that came since the
/// SignalGuard there is now was made; `none` without a guard.
Interruption interruption();

/// What a program stopped by that signal returns: 130 for SIGINT, 143 for
/// SIGTERM and for SIGHUP, which asks for the same, 141 for SIGPIPE; 0 for
/// none.
int exit_status_of(Interruption interruption);

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE (nobody reads the output
/// any more) set the flag that interruption() reads and do nothing else; a
/// second SIGINT ends the process at once with 130. SIGXFSZ is ignored: a file
/// that may not grow shows as a failed write, as a closed pipe does. A signal
/// that the process ignored stays ignored (nohup). The handlers from before
/// come back with the destructor. At most one may live: UsageError.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
};

}  // namespace sigtape

#include "sigtape/training/run/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

bool caught = false;
void catch_signal(int) { caught = true; }

/// The exit status of a child that runs `body`, or minus the signal it died of.
int status_of(void (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(77);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(Signals, RemembersTheFirstAndDoesNothingElse) {
  EXPECT_EQ(interruption(), Interruption::none);
  {
    const SignalGuard guard;
    EXPECT_EQ(interruption(), Interruption::none);
    ::raise(SIGTERM);
    ::raise(SIGINT);
    EXPECT_EQ(interruption(), Interruption::terminate);
  }
  EXPECT_EQ(interruption(), Interruption::none);
  const SignalGuard guard;
  ::raise(SIGHUP);
  EXPECT_EQ(interruption(), Interruption::hangup);
}

TEST(Signals, ASecondInterruptEndsTheProcess) {
  EXPECT_EQ(status_of([] {
              const SignalGuard guard;
              ::raise(SIGINT);
              if (interruption() != Interruption::interrupt) ::_exit(1);
              ::raise(SIGINT);
            }),
            130);
  EXPECT_EQ(status_of([] {
              const SignalGuard guard;
              ::raise(SIGTERM);
              ::raise(SIGTERM);
            }),
            77);
}

TEST(Signals, RestoresTheHandlersFromBefore) {
  ::signal(SIGINT, catch_signal);
  { const SignalGuard guard; }
  caught = false;
  ::raise(SIGINT);
  EXPECT_TRUE(caught);
  ::signal(SIGINT, SIG_DFL);
  EXPECT_EQ(status_of([] {
              { const SignalGuard guard; }
              ::raise(SIGTERM);
            }),
            -SIGTERM);
}

TEST(Signals, LeavesIgnoredSignalsIgnored) {
  ::signal(SIGHUP, SIG_IGN);
  {
    const SignalGuard guard;
    ::raise(SIGHUP);
    EXPECT_EQ(interruption(), Interruption::none);
  }
  ::signal(SIGHUP, SIG_DFL);
}

TEST(Signals, AClosedPipeIsAFailedWrite) {
  EXPECT_EQ(status_of([] {
              const SignalGuard guard;
              int ends[2];
              if (::pipe(ends) != 0) ::_exit(1);
              ::close(ends[0]);
              if (::write(ends[1], "x", 1) != -1) ::_exit(2);
              ::_exit(interruption() == Interruption::closed_pipe ? 0 : 3);
            }),
            0);
}

TEST(Signals, OnlyOneGuardAtATime) {
  const SignalGuard guard;
  EXPECT_THROW(SignalGuard(), UsageError);
}

TEST(Signals, ExitStatusIsThatOfTheShell) {
  EXPECT_EQ(exit_status_of(Interruption::none), 0);
  EXPECT_EQ(exit_status_of(Interruption::interrupt), 130);
  EXPECT_EQ(exit_status_of(Interruption::terminate), 143);
  EXPECT_EQ(exit_status_of(Interruption::hangup), 143);
  EXPECT_EQ(exit_status_of(Interruption::closed_pipe), 141);
}

}  // namespace
}  // namespace sigtape

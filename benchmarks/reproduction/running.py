"""Programs that run at once, and end when this one is stopped."""

import os
import signal
import subprocess
import sys
import threading

# A group of its own, so that a program's own children end with it.
GROUP = ({"process_group": 0} if sys.version_info >= (3, 11)
         else {"start_new_session": True})
GRACE = 5.0  # seconds from being asked to end to being ended


class Stopped(Exception):
    """The experiment was stopped, so that a program has no result."""


def end(processes):
    """Asks programs to end, and ends those that have not after GRACE."""
    for number, wait in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        for process in processes:
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                pass
        for process in processes:
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                pass


class Programs:
    """The programs that run; those of several threads, if need be."""

    def __init__(self):
        self.lock, self.running, self.stopped = threading.Lock(), set(), False

    def run(self, command, folder):
        """Its stdout. Raises with its message if it fails."""
        with self.lock:
            if self.stopped:
                raise Stopped
            process = subprocess.Popen(
                command, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **GROUP)
            self.running.add(process)
        try:
            out, message = process.communicate()
        except BaseException:
            end([process])
            raise
        finally:
            with self.lock:
                self.running.discard(process)
        if self.stopped:
            raise Stopped
        if process.returncode:
            raise RuntimeError(message or f"exit {process.returncode}")
        return out

    def stop(self):
        """Ends all, and starts no more."""
        with self.lock:
            self.stopped = True
            running = list(self.running)
        end(running)


def busy_seconds(rows):
    """How long at least one of `rows` was being made: each has the time of its
    end and its seconds, those of earlier versions only the latter."""
    alone = sum(r.get("wall_seconds", 0) for r in rows if "ended" not in r)
    total, reached = alone, 0.0
    for start, stop in sorted((r["ended"] - r["wall_seconds"], r["ended"])
                              for r in rows if "ended" in r):
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total

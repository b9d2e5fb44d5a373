#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU time of emulators on one guest: each runs until its output says @@DONE,
in turn, several times.

    until_done.py [--repeat N] [--timeout S] NAME='COMMAND' NAME='COMMAND' ...

The first name is the baseline. COMMAND is split like a shell's line; the guest's serial output must
come on its standard output. Prints each run's CPU seconds (user + system), then medians and ratios.
"""
import argparse
import os
import select
import shlex
import signal
import statistics
import subprocess
import sys
import time


def run(command, timeout):
    """CPU seconds until @@DONE, or None."""
    process = subprocess.Popen(shlex.split(command), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seen, done, end = b"", False, time.monotonic() + timeout
    while not done and time.monotonic() < end:
        if not select.select([process.stdout], [], [], 1)[0]:
            continue
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            break
        seen = seen[-16:] + piece
        done = b"@@DONE" in seen
    os.kill(process.pid, signal.SIGKILL)    # not process.kill(), which waits for one that has ended
    usage = os.wait4(process.pid, 0)[2]
    return usage.ru_utime + usage.ru_stime if done else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("emulators", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    emulators = [e.split("=", 1) for e in options.emulators]
    times = {name: [] for name, _ in emulators}
    for number in range(options.repeat):
        for name, command in emulators:
            seconds = run(command, options.timeout)
            if seconds is None:
                sys.exit(f"{name}: no @@DONE within {options.timeout:.0f} s: {command}")
            times[name].append(seconds)
            print(f"run {number + 1}  {name:12} {seconds:7.2f} s CPU", flush=True)
    base = statistics.median(times[emulators[0][0]])
    for name, _ in emulators:
        median = statistics.median(times[name])
        print(f"median {name:12} {median:7.2f} s CPU  {median / base:5.2f}x {emulators[0][0]}")


if __name__ == "__main__":
    main()

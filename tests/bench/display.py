#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a window costs: CPU time of the same guest ticks with a window to without, in one
interleaved run, while the guest scrolls text, animates a picture or leaves the screen alone.

  tests/bench/display.py VITRO [REPEATS]

The window is SDL's dummy driver with its software renderer: no graphics card helps, all of the work
counts. On a busy host there are more looks at the window (50 a second on the wall) in the same CPU
time: the figures are then too high.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GUESTS = (("IDLE", "idle screen", "5s"), ("TEXT", "scrolling text", "1s"),
          ("PACKED", "mode 13h, whole screen", "60s"))


def build(folder, define):
    path = os.path.join(folder, define + ".img")
    subprocess.run(["gcc", "-m16", "-D" + define, "-c", os.path.join(HERE, "motion.S"), "-o",
                    path + ".o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", path,
                    path + ".o"], check=True)
    os.truncate(path, 1474560)
    return path


def cpu_time(vitro, image, until, display):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([vitro, "-n", "--display", display, "--until", until, image], check=True,
                   stderr=subprocess.DEVNULL, env=dict(os.environ, SDL_VIDEODRIVER="dummy"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    vitro, repeats = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        for define, what, until in GUESTS:
            image, pairs = build(folder, define), []
            for _ in range(repeats):
                pairs.append([cpu_time(vitro, image, until, d) for d in ("nogui", "sdl2")])
            ratios = [with_window / without for without, with_window in pairs]
            print("%-24s %.2f s without a window; with one %.3f (%.3f to %.3f)" % (
                what, statistics.median(p[0] for p in pairs), statistics.median(ratios),
                min(ratios), max(ratios)), flush=True)


if len(sys.argv) < 2:
    sys.exit(__doc__)
main()

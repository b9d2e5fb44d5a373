#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Million instructions per second in a loop of four register instructions, by CPU time,
in one interleaved run.

    tight_loop.py [--repeat N] NAME='COMMAND' NAME='COMMAND' ...

In a command {image} stands for a hard disk image (20 cylinders, 16 heads, 63 sectors) and
{tmp} for a new folder; port E9h or the serial port must come on its standard output. Each
runs a short and a long loop: their difference is without the start. The first name is
what the others are compared with.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import until_done

HERE = os.path.dirname(os.path.abspath(__file__))
SHORT, LONG = 1, 250000000                  # rounds
INSTRUCTIONS = (LONG - SHORT) * 4


def image(folder, count):
    path = os.path.join(folder, "%d.img" % count)
    subprocess.run(["gcc", "-m32", "-DCOUNT=%d" % count, "-c", os.path.join(HERE, "tight_loop.S"),
                    "-o", path + ".o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", path,
                    path + ".o"], check=True)
    os.truncate(path, 20 * 16 * 63 * 512)
    return path


def seconds(command, path):
    with tempfile.TemporaryDirectory() as folder:
        taken = until_done.run(command.replace("{image}", path).replace("{tmp}", folder), 300)
    if taken is None:
        sys.exit("no @@DONE: " + command)
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("emulators", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    emulators = [e.split("=", 1) for e in options.emulators]
    speeds = {name: [] for name, _ in emulators}
    with tempfile.TemporaryDirectory() as folder:
        short, long = image(folder, SHORT), image(folder, LONG)
        for _ in range(options.repeat):
            for name, command in emulators:
                taken = seconds(command, long) - seconds(command, short)
                speeds[name].append(INSTRUCTIONS / taken / 1e6)
    base = statistics.median(speeds[emulators[0][0]])
    for name, _ in emulators:
        middle = statistics.median(speeds[name])
        print("%-12s %6.0f MIPS (%.0f to %.0f), %.2f of %s" % (
            name, middle, min(speeds[name]), max(speeds[name]), middle / base, emulators[0][0]))


if __name__ == "__main__":
    main()

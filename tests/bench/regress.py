#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has the engine become slower? Counts host instructions (valgrind's callgrind, so the count does
not depend on the host's speed or load) of the workloads of hot_path.c and compares them with
figures.json: more than 5 % above is a failure. Figures belong to a compiler; for another one the
test is skipped (exit status 77).

usage: regress.py --program build/release/.../hot_path --compiler "GNU 12.2.0 x86_64" [--rebaseline]
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

FIGURES = pathlib.Path(__file__).with_name("figures.json")
WORKLOADS = ["alu", "memory", "calls", "real16", "interrupts"]
TOLERANCE = 0.05
SKIPPED = 77


def count(program, workload):
    """Host instructions inside cpu_run()."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               "--toggle-collect=cpu_run", program, workload]
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                         check=False)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or not found or not int(found.group(1)):
        sys.exit(f"regress: {workload}: no count from valgrind:\n{run.stderr[-2000:]}")
    return int(found.group(1))


def compare(expected, now):
    """Prints the table; returns the workloads that grew."""
    grown = []
    for name, n in now.items():
        ratio = n / expected[name] if expected.get(name) else 1.0
        print(f"{name:12} {expected.get(name, 0):12} {n:12} {100 * (ratio - 1):+6.1f} %")
        if ratio > 1 + TOLERANCE:
            grown.append(name)
    return grown


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--rebaseline", action="store_true", help="write the figures of today")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("regress: skipped: valgrind not found (Debian: apt-get install valgrind)")
        return SKIPPED
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if options.compiler not in figures and not options.rebaseline:
        print(f"regress: skipped: no figures for {options.compiler}; --rebaseline adds them")
        return SKIPPED
    now = {name: count(options.program, name) for name in WORKLOADS}
    grown = compare(figures.get(options.compiler, {}), now)
    if options.rebaseline:
        figures[options.compiler] = now
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
        return 0
    for name in grown:
        print(f"regress: {name} needs more host instructions than in {FIGURES.name}: see "
              f"docs/performance.md")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())

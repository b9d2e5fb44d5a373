#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom (docs/architecture.md, "Rooms"). Usage: includes.sh SOURCE_DIR
cd "$1" || exit 2
allowed() {
    case "$1" in
    base)   echo "base" ;;
    memory) echo "base memory" ;;
    cpu)    echo "base memory cpu" ;;
    gui)    echo "base gui" ;;
    bios)   echo "base memory bios" ;;
    iodev)  echo "base memory iodev gui/screen.h gui/input.h" ;;
    debug)  echo "base memory cpu/cpu.h iodev gui debug" ;;
    img)    echo "base iodev/image img" ;;
    config) echo "base memory cpu/cpu.h iodev gui bios debug config" ;;
    esac
}
include='s/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p'
bad=0
for room in base memory cpu gui bios iodev debug img config; do
    for file in $(find "$room" -name '*.[ch]' -o -name '*.inc' -o -name '*.def'); do
        for header in $(sed -n "$include" "$file"); do
            ok=no
            for a in $(allowed "$room"); do
                case "$header" in
                "$a" | "$a"/*) ok=yes ;;
                esac
            done
            if [ $ok = no ]; then
                echo "$file: $room/ may not include $header (allowed: $(allowed "$room"))"
                bad=1
            fi
        done
    done
done
[ $bad = 0 ] && echo "includes: every room includes only what it may"
exit $bad

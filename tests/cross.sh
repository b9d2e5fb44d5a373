#!/bin/bash
# SPDX-License-Identifier: MIT
# Another processor: a build for big-endian s390x with Debian's cross compiler. Runs unit tests and
# captured CPU cases there (qemu-user), and boots SeaBIOS: the state of the machine must be that of
# build/release, bit for bit, all along. 32-bit hosts are not supported: their compilers have no __int128.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1-}" = --help ]; then
    cat <<END
usage: tests/cross.sh [CTEST OPTIONS]

Needs gcc-s390x-linux-gnu, libc6-dev-s390x-cross, qemu-user-static (the first cannot be installed together
with gcc-multilib), and build/release. Check and zlib for s390x come from Debian, into cache/cross/.
Exit code 77: something of these is missing.
END
    exit 0
fi
skip() { echo "skipped: $1"; exit 77; }

arch=s390x
triplet=$arch-linux-gnu
emulator=qemu-$arch-static
compiler=$triplet-gcc
command -v "$compiler" > /dev/null || compiler=$compiler-12
command -v "$compiler" > /dev/null || skip "no $compiler (apt-get install gcc-$triplet)"
command -v "$emulator" > /dev/null || skip "no $emulator (apt-get install qemu-user-static)"
[ -x build/release/vitro ] || skip "no build/release/vitro to compare with"

# Unpacked, not installed: an apt of our own, so that the host's stays as it is.
root=$PWD/cache/cross/$arch
if [ ! -e "$root/complete" ]; then
    rm -rf "$root"
    mkdir -p "$root"/apt/{lists,cache}/partial
    : > "$root/apt/status"
    options=(-qq -o "Dir::State::lists=$root/apt/lists" -o "Dir::State::status=$root/apt/status"
        -o "Dir::Cache=$root/apt/cache" -o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
        -o "APT::Sandbox::User=root")
    apt-get "${options[@]}" update > "$root/log" 2>&1 || true    # a mirror may be half a mirror
    (cd "$root" && apt-get "${options[@]}" download check libsubunit-dev zlib1g-dev >> log 2>&1) ||
        skip "Debian's libraries for $arch are not to be had ($root/log)"
    for package in "$root"/*.deb; do dpkg -x "$package" "$root"; done
    rm -rf "$root"/*.deb "$root/apt"
    touch "$root/complete"
fi

build=build/cross-$arch
export PKG_CONFIG_LIBDIR=$root/usr/lib/$triplet/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
mkdir -p build
cmake --fresh -S . -B "$build" -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O2 -g1" \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$arch" -DCMAKE_C_COMPILER="$compiler" \
    -DCMAKE_EXE_LINKER_FLAGS="-static -L$root/usr/lib/$triplet" -DCMAKE_CROSSCOMPILING_EMULATOR="$emulator" \
    -DCMAKE_FIND_ROOT_PATH="$root" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
    -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_LIBRARY_ARCHITECTURE="$triplet" \
    -DCMAKE_DISABLE_FIND_PACKAGE_zydis=ON > "$build.log" 2>&1 || { cat "$build.log"; exit 1; }
# no GUI: its tests find the host's headers
mapfile -t targets < <(ninja -C "$build" -t targets all |
    sed -n '/^gui_/d; s/^\([a-z]*_test_[a-z0-9_]*\): phony$/\1/p')
ninja -C "$build" vitro vitro-cputest "${targets[@]}" >> "$build.log" 2>&1 || { grep -E 'error|warning|FAILED' "$build.log" | head -n 40; exit 1; }

export CK_TIMEOUT_MULTIPLIER=20 # Check's own limit: emulation is slow
echo "== $arch: unit tests, captured cases"
ctest --test-dir "$build" -j"$(nproc)" --output-on-failure --no-tests=error -L 'unit|cpu' -E 'cpu/native|unit/gui' "$@"

echo "== $arch: SeaBIOS"
boot() # boot FILE PROGRAM...: a hash of the whole machine every 2 M ticks
{
    timeout 600 "${@:2}" -n --display nogui --log "$1.log" --memory 32 --until 200000000 \
        --hash-every "2000000:$1" "clock: sync=none, time0=1000000000"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
boot "$work/here" build/release/vitro
boot "$work/there" "$emulator" "$build/vitro"
[ "$(cut -d' ' -f2 "$work/here" | sort -u | wc -l)" -gt 10 ] || { echo "the hashes do not change"; exit 1; }
cmp "$work/here" "$work/there" || { diff "$work/here" "$work/there" | head -n 4; exit 1; }
echo "$(wc -l < "$work/here") hashes are equal"

#!/bin/bash
# SPDX-License-Identifier: MIT
# Other processors, with Debian's cross compilers and qemu-user: s390x (big-endian) and mips64 with
# the ABI n32 (32-bit pointers and long). Runs unit tests (s390x) and captured CPU cases there, and
# boots SeaBIOS: the state of the machine must be that of build/release, bit for bit, all along.
# Pure 32-bit processors (i386, ARM) are not supported: no __int128 there.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1-}" = --help ]; then
    cat <<END
usage: tests/cross.sh [s390x|n32] [CTEST OPTIONS]          default: s390x

Needs build/release, qemu-user-static and a compiler: gcc-s390x-linux-gnu and libc6-dev-s390x-cross
(not to be had together with gcc-multilib), or gcc-multilib-mips64el-linux-gnuabi64. Libraries come
from Debian, into cache/cross/: Check and zlib for s390x; zlib for n32, where there is no Check and
so no unit tests.
Exit code 77: something of these is missing.
END
    exit 0
fi
skip() { echo "skipped: $1"; exit 77; }

host=s390x
case "${1-}" in s390x | n32) host=$1; shift ;; esac
# arch: Debian's, of the libraries; lib: where they lie
if [ "$host" = n32 ]; then
    arch=mipsel lib=lib32 emulator=qemu-mipsn32el-static compiler=mips64el-linux-gnuabi64-gcc
    package=gcc-multilib-mips64el-linux-gnuabi64 libraries="libn32z1-dev zlib1g-dev" flags=-mabi=n32
else
    arch=s390x lib=lib/s390x-linux-gnu emulator=qemu-s390x-static compiler=s390x-linux-gnu-gcc
    package=gcc-s390x-linux-gnu libraries="check libsubunit-dev zlib1g-dev" flags=
fi
command -v "$compiler" > /dev/null || compiler=$compiler-12
command -v "$compiler" > /dev/null || skip "no $compiler (apt-get install $package)"
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
    (cd "$root" && apt-get "${options[@]}" download $libraries >> log 2>&1) ||
        skip "Debian's libraries for $arch are not to be had ($root/log)"
    for file in "$root"/*.deb; do dpkg -x "$file" "$root"; done
    rm -rf "$root"/*.deb "$root/apt"
    touch "$root/complete"
fi

build=build/cross-$host
if [ "$host" = n32 ]; then             # its .pc file has the paths of another ABI
    mkdir -p "$root/usr/$lib/pkgconfig"
    printf '%s\n' "Name: zlib" "Description: zlib" "Version: 1" "Libs: -L/usr/$lib -lz" \
        "Cflags: -I/usr/include" > "$root/usr/$lib/pkgconfig/zlib.pc"
fi
export PKG_CONFIG_LIBDIR=$root/usr/$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
mkdir -p build
cmake --fresh -S . -B "$build" -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_FLAGS_RELEASE="-O2 -g1" -DCMAKE_C_FLAGS="$flags" \
    -DZLIB_LIBRARY="$root/usr/$lib/libz.a" -DZLIB_INCLUDE_DIR="$root/usr/include" \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$arch" -DCMAKE_C_COMPILER="$compiler" \
    -DCMAKE_EXE_LINKER_FLAGS="-static -L$root/usr/$lib" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$emulator" \
    -DCMAKE_FIND_ROOT_PATH="$root" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
    -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_LIBRARY_ARCHITECTURE="${lib#lib/}" \
    -DCMAKE_DISABLE_FIND_PACKAGE_zydis=ON > "$build.log" 2>&1 || { cat "$build.log"; exit 1; }
# no GUI: its tests find the host's headers
mapfile -t targets < <(ninja -C "$build" -t targets all |
    sed -n '/^gui_/d; s/^\([a-z]*_test_[a-z0-9_]*\): phony$/\1/p')
if ! ninja -C "$build" vitro vitro-cputest "${targets[@]}" >> "$build.log" 2>&1; then
    grep -E 'error|warning|FAILED' "$build.log" | head -n 40
    exit 1
fi

export CK_TIMEOUT_MULTIPLIER=20 # Check's own limit: emulation is slow
echo "== $host: unit tests, captured cases"
ctest --test-dir "$build" -j"$(nproc)" --output-on-failure --no-tests=error \
    -L 'unit|cpu' -E 'cpu/native|unit/gui' "$@"

echo "== $host: SeaBIOS"
boot() # boot FILE PROGRAM...: a hash of the whole machine every 2 M ticks
{
    timeout 600 "${@:2}" -n --display nogui --log "$1.log" --memory 32 --until 200000000 \
        --hash-every "2000000:$1" "clock: sync=none, time0=1000000000"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
boot "$work/here" build/release/vitro
boot "$work/there" "$emulator" "$build/vitro"
[ "$(cut -d' ' -f2 "$work/here" | sort -u | wc -l)" -gt 10 ] ||
    { echo "the hashes do not change"; exit 1; }
cmp "$work/here" "$work/there" || { diff "$work/here" "$work/there" | head -n 4; exit 1; }
echo "$(wc -l < "$work/here") hashes are equal"

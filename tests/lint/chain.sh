#!/bin/sh
# SPDX-License-Identifier: MIT
# In a chained build handlers must reach each other by jumps: a call would grow the host's stack
# with each guest instruction. Looks for calls through a record (exec is its first member: offset 0
# or 32) and for calls of a function that stands in a handler table. Usage: chain.sh LIBVITRO_CPU
lib=$1
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
objdump -dr --no-show-raw-insn "$lib" > "$work/code" || exit 2
# Handlers by their common signature are the functions that end in a jump through a record.
awk '/^[0-9a-f]+ <.*>:$/ { f = $2; gsub(/[<>:]/, "", f) }
     /jmp +\*((0x20)?\(%r[a-z0-9]+\)|%r[a-z0-9]+)$/ { print f }' "$work/code" |
    sort -u > "$work/handlers"
n=$(wc -l < "$work/handlers")
# A call whose target the linker fills in is shown with that name on the next line.
awk -v list="$work/handlers" 'BEGIN { while ((getline line < list) > 0) handler[line] = 1 }
     function report() {
         if (called && handler[called] && handler[f]) { print f ": calls " called; bad = 1 }
         called = ""
     }
     called && /R_X86_64_/ { called = $NF; sub(/[-+]0x[0-9a-f]+$/, "", called) }
     { report() }
     /^[0-9a-f]+ <.*>:$/ { f = $2; gsub(/[<>:]/, "", f) }
     /call +\*(0x20)?\(%r[a-z0-9]+\)/ && f !~ /^(run_trace|cpu_run)/ && handler[f] {
         print f ": " $0
         bad = 1
     }
     /call +[0-9a-f]+ </ { called = $NF; gsub(/[<>]/, "", called) }
     END { exit bad }' "$work/code" > "$work/bad"
if [ -s "$work/bad" ]; then
    echo "chain: these grow the stack:"
    cat "$work/bad"
    exit 1
fi
[ "$n" -gt 300 ] ||
    { echo "chain: only $n chained handlers found, is this a chained build?"; exit 1; }
echo "chain: $n handlers, all jump on"

#!/bin/sh
# SPDX-License-Identifier: MIT
# No mutable file-scope variables: two machines run in one process. Usage: globals.sh LIBRARY...
bad=$(for lib in "$@"; do
    objdump -t "$lib" | awk -v lib="$lib" '$2 == "O" || $3 == "O" || $4 == "O" {
        for (k = 1; k <= NF; k++)
            if ($k ~ /^(\.data|\.bss|\*COM\*|\.tdata|\.tbss)$/ ||
                $k ~ /^\.(data|bss)\.[a-z_]+$/ && $k !~ /rel\.ro/) print lib ": " $NF }'
done)
if [ -n "$bad" ]; then
    echo "mutable file-scope variables:"
    echo "$bad"
    exit 1
fi
echo "globals: none in $# libraries"

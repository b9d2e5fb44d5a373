#!/bin/sh
# SPDX-License-Identifier: MIT
# No line of a source or a script is longer than 100 columns. Usage: columns.sh SOURCE_DIR
cd "$1" || exit 2
files=$(find . \( -path ./build -o -path ./cache -o -path ./.git \) -prune -o \
    \( -name '*.[ch]' -o -name '*.inc' -o -name '*.def' -o -name '*.py' -o -name '*.sh' \) -print)
# shellcheck disable=SC2086 # no name has a blank
bad=$(LC_ALL=C.UTF-8 grep -nE '^.{101}' check demo $files)
if [ -n "$bad" ]; then
    echo "longer than 100 columns:"
    echo "$bad"
    exit 1
fi
echo "columns: at most 100 in $(echo "$files" | wc -l) files"

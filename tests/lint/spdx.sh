#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source file names its licence in its first lines. Usage: spdx.sh SOURCE_DIR
cd "$1" || exit 2
bad=0
for f in $(find . \( -path ./build -o -path ./cache -o -path ./.git \) -prune -o \
        \( -name '*.[ch]' -o -name '*.inc' -o -name '*.def' -o -name '*.sh' -o -name '*.py' \
        -o -name CMakeLists.txt \) -print); do
    head -n 4 "$f" | grep -q 'SPDX-License-Identifier: MIT' || { echo "$f: no SPDX line"; bad=1; }
done
[ $bad = 0 ] && echo "spdx: every file"
exit $bad

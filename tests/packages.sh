# SPDX-License-Identifier: MIT
# Sourced by ./demo and ./check: installs the Debian packages that are missing. Nothing else on the
# host is changed, and only apt runs as root.

# What each of them is for.
packages_build="build-essential cmake ninja-build pkg-config libsdl2-dev zlib1g-dev libpng-dev
                libncurses-dev"
packages_guest="seabios syslinux syslinux-common mtools dosfstools cpio"
packages_tests="clang check libzydis-dev python3 qemu-system-x86 qemu-utils vgabios bochsbios
                grub-rescue-pc memtest86+ grub-common grub-pc-bin xorriso isolinux u-boot-qemu
                xvfb xdotool xclip openbox x11-utils x11-apps imagemagick binutils e2fsprogs"

# install PACKAGE ...: those that are not there yet
install_packages()
{
    local missing=() package as_root=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "== installing ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        as_root=sudo
        command -v sudo > /dev/null ||
            { echo "run this as root first: apt-get install ${missing[*]}" >&2; exit 1; }
    fi
    $as_root apt-get update -qq || true
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

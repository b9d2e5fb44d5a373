#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the guests that ./demo and the tests boot, out of Debian packages and nothing else.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin MTOOLS_SKIP_CHECK=1

usage()
{
    cat <<END
usage: tests/guest/images.sh [-o DIR] IMAGE ...

Builds disk images from Debian packages. One that is up to date is left alone.

  linux.img      hard disk: Debian's i386 kernel (linux-image-686), busybox and syslinux; a shell on
                 the screen and on the first serial port. \`poweroff\` ends the run.
  linux64.img    the same with the amd64 kernel (linux-image-amd64) and an amd64 busybox
  hdt.img        floppy: syslinux with its Hardware Detection Tool
  memtest.img    floppy: syslinux with memtest86+ (ia32)
  mach.img       floppy: syslinux with GNU Mach for a 486 (mboot.c32)
  grubcd.iso     CD (grub-mkrescue): a text menu and a graphical one, memtest86+, GRUB Invaders
  isolinux.iso   CD: isolinux with its graphical menu (vesamenu.c32) and hdt.c32
  emulated.iso   CD with El Torito floppy emulation: hdt.img
  files.iso      CD: 24 MiB of files and their SHA-256 sums
  tools.iso      CD for linux.img: fdutils, mtools, dosfstools, e2fsprogs and hdparm with their
                 libraries, kernel modules, fdformat (tools/, needs cc)
  ipxe.iso       CD: Debian's iPXE
  installer.iso  CD: Debian's i386 installer, text and graphical (105 MB to download)

  -o DIR         where they go (default: cache/ of the source tree)

Packages are downloaded by an apt with settings of its own, in DIR/apt (i386) and DIR/apt-amd64.
Nothing is installed and the architectures that this system's dpkg knows stay as they are.
Needs: syslinux syslinux-common mtools dosfstools cpio; memtest.img also needs memtest86+, CDs need
xorriso and isolinux, grubcd.iso needs grub-common and grub-pc-bin.
END
}

say() { echo "images: $*"; }
die() { echo "images: $*" >&2; exit 1; }

# ---- packages of another architecture ------------------------------------------------------------
# for_arch NAME: what follows takes packages of that architecture.
for_arch()
{
    arch=$1
    packages=$cache/apt
    [ "$arch" = i386 ] || packages=$cache/apt-$arch
}

own_apt()
{
    APT_CONFIG=$packages/apt.conf "$@"
}

# Errors of single index files are left to the download that misses them.
prepare_apt()
{
    local dir=$packages
    [ ! -e "$dir/ready" ] || return 0
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    : > "$dir/status"
    cat > "$dir/apt.conf" <<END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
APT::Update::Post-Invoke-Success "";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
END
    say "reading Debian's list of $arch packages"
    own_apt apt-get update -qq 2> "$dir/log" || true
    own_apt apt-cache show busybox-static > /dev/null 2>&1 ||
        die "this system's package sources (/etc/apt) offer no $arch packages:" \
            "add a Debian mirror that has them"
    touch "$dir/ready"
}

# unpack PACKAGE: its files, in $packages/PACKAGE/. A list that names versions which are gone is
# read anew.
unpack()
{
    local dir=$packages
    [ ! -e "$dir/$1/ready" ] || return 0
    prepare_apt
    say "downloading $1"
    mkdir -p "$dir/deb"
    rm -f "$dir/deb/$1"_*.deb
    if ! (cd "$dir/deb" && own_apt apt-get download -qq "$1" 2> "$dir/log"); then
        rm -f "$dir/ready"
        prepare_apt
        (cd "$dir/deb" && own_apt apt-get download -qq "$1") || die "$1 cannot be downloaded"
    fi
    rm -rf "${dir:?}/$1"
    dpkg-deb -x "$dir/deb/$1"_*.deb "$dir/$1"
    touch "$dir/$1/ready"
    rm -f "$dir/deb/$1"_*.deb
}

# linux-image-686 and -amd64 are empty: they depend on today's kernel.
kernel_package()
{
    own_apt apt-cache depends "linux-image-$1" | awk '/Depends: linux-image/ { print $2; exit }'
}

# ---- Linux ---------------------------------------------------------------------------------------
# add_module NAME: NAME.ko behind what it depends on, and its line in /modules, the order of
# loading.
add_module()
{
    local name=${1//-/_} file dependency
    [ ! -e "$root/lib/modules/$name.ko" ] || return 0
    file=$(find "$modules" -name "$1.ko" -o -name "$name.ko" -o -name "${name//_/-}.ko" | head -n 1)
    [ -n "$file" ] || { say "this kernel has no module $1, or has it built in"; return 0; }
    for dependency in $(tr '\0' '\n' < "$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
        add_module "$dependency"
    done
    cp "$file" "$root/lib/modules/$name.ko"
    echo "$name" >> "$root/lib/modules/order"
}

# make_initrd FLAVOUR: $work/initrd.gz and $work/kernel
make_initrd()
{
    local package modules root=$work/root module
    prepare_apt
    package=$(kernel_package "$1")
    [ -n "$package" ] || die "Debian has no linux-image-$1?"
    unpack "$package"
    unpack busybox-static
    modules=$packages/$package/lib/modules
    mkdir -p "$root"/{bin,dev,etc,mnt,proc,root,sys,tmp,lib/modules}
    cp "$packages/busybox-static/bin/busybox" "$root/bin/"
    install -m 755 "$here/linux/init" "$root/init"
    install -m 755 "$here/linux/rc" "$here/linux/inittab" "$here/linux/profile" "$root/etc/"
    for module in button ata_piix sd_mod vfat nls_cp437 nls_ascii sr_mod isofs; do
        add_module $module
    done
    (cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --quiet --reproducible) |
        gzip -9n > "$work/initrd.gz"
    cp "$packages/$package"/boot/vmlinuz-* "$work/kernel"
}

# linux_disk TARGET FLAVOUR: 33 cylinders of 16 heads and 63 sectors, the geometry every BIOS agrees
# on for a disk this small. One active FAT16 partition from the second track on.
linux_disk()
{
    local disk=$work/disk start=63 sectors=$((33 * 16 * 63)) at
    make_initrd "$2"
    at=$((start * 512))
    truncate -s $((sectors * 512)) "$disk"
    mkfs.fat -F 16 -h $start -g 16/63 -n LINUX -i 56495452 --offset $start "$disk" \
        $(((sectors - start) / 2)) > /dev/null
    mcopy -i "$disk@@$at" "$work/kernel" ::vmlinuz
    mcopy -i "$disk@@$at" "$work/initrd.gz" "$here/linux/syslinux.cfg" ::
    syslinux -t $at --install "$disk"
    write_mbr "$disk" $start $((sectors - start))
    mv "$disk" "$1"
}

make_linux() { linux_disk "$1" 686; }

make_linux64()
{
    for_arch amd64
    linux_disk "$1" amd64
    for_arch i386
}

# bytes NUMBER COUNT: little-endian, as printf wants it
bytes()
{
    local n=$1 i
    for ((i = 0; i < $2; i++)); do printf '\\x%02x' $((n >> 8 * i & 255)); done
}

# Partition 1: active, type 6 (FAT16), from head 1 of cylinder 0 to the last sector of cylinder 32.
write_mbr()
{
    dd if=/usr/lib/syslinux/mbr/mbr.bin of="$1" bs=440 count=1 conv=notrunc status=none
    printf "\\x80\\x01\\x01\\x00\\x06\\x0f\\x3f\\x20$(bytes "$2" 4)$(bytes "$3" 4)" |
        dd of="$1" bs=1 seek=446 conv=notrunc status=none
    printf '\x55\xaa' | dd of="$1" bs=1 seek=510 conv=notrunc status=none
}

# ---- floppies ------------------------------------------------------------------------------------
# floppy TARGET SYSLINUX.CFG FILE ...
floppy()
{
    local target=$1 config=$2 disk=$work/disk
    shift 2
    rm -f "$disk"
    truncate -s 1440K "$disk"
    mkfs.fat -F 12 -i 56495452 "$disk" > /dev/null
    mcopy -i "$disk" "$@" ::
    echo "$config" | mcopy -i "$disk" - ::syslinux.cfg
    syslinux --install "$disk"
    mv "$disk" "$target"
}

c32()
{
    local name
    for name in "$@"; do echo "/usr/lib/syslinux/modules/bios/$name.c32"; done
}

make_hdt()
{
    printf '%s\n' "1234  Bochs" "	1111  VGA" "8086  Intel" "	1237  440FX" "	7000  PIIX3 ISA" \
        "	7010  PIIX3 IDE" "	7113  PIIX4 ACPI" > "$work/pci.ids"
    # shellcheck disable=SC2046 # one word per file
    floppy "$1" "DEFAULT hdt.c32" "$work/pci.ids" $(c32 hdt libcom32 libutil libmenu libgpl)
}

make_memtest()
{
    cp /boot/memtest86+ia32.bin "$work/memtest"
    floppy "$1" "DEFAULT memtest" "$work/memtest"
}

make_mach()
{
    unpack gnumach-image-1.8-486
    cp "$packages/gnumach-image-1.8-486"/boot/gnumach-*.gz "$work/gnumach.gz"
    # shellcheck disable=SC2046
    floppy "$1" "DEFAULT mach
LABEL mach
 KERNEL mboot.c32
 APPEND gnumach.gz" "$work/gnumach.gz" $(c32 mboot libcom32)
}

# ---- CDs -----------------------------------------------------------------------------------------
# cd_image TARGET FOLDER OPTION ...: ISO 9660 with Rock Ridge and a fixed date
cd_image()
{
    local target=$1 folder=$2
    shift 2
    xorriso -report_about FAILURE -as mkisofs -quiet -o "$work/cd" -V VITRO -R -J \
        --modification-date=2023010100000000 "$@" "$folder" 2> "$work/log" ||
        die "$(cat "$work/log")"
    mv "$work/cd" "$target"
}

# isolinux_cd TARGET FOLDER: FOLDER/isolinux.cfg and what it names
isolinux_cd()
{
    cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$2"
    cd_image "$1" "$2" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table
}

make_isolinux()
{
    mkdir "$work/cd.d"
    # shellcheck disable=SC2046 # one word per file
    cp $(c32 vesamenu hdt libcom32 libutil libmenu libgpl) "$work/cd.d"
    printf '%s\n' "DEFAULT vesamenu.c32" "MENU TITLE Vitro" "MENU RESOLUTION 800 600" \
        "LABEL again" " KERNEL vesamenu.c32" "LABEL hdt" " KERNEL hdt.c32" \
        > "$work/cd.d/isolinux.cfg"
    isolinux_cd "$1" "$work/cd.d"
}

make_emulated()
{
    mkdir "$work/cd.d"
    make_hdt "$work/cd.d/floppy"
    cd_image "$1" "$work/cd.d" -b floppy -c boot.cat
}

make_files()
{
    local n
    mkdir -p "$work/cd.d/a/deep/folder"
    seq 1 2000000 > "$work/cd.d/numbers"
    seq 3 7 4000000 | gzip -9n > "$work/cd.d/a/noise"
    for n in 0 1 2047 2048 2049 65537; do
        seq 1 99999 > "$work/cd.d/a/deep/folder/$n bytes"
        truncate -s $n "$work/cd.d/a/deep/folder/$n bytes"
    done
    seq 5 3 3500000 > "$work/cd.d/a/deep/more"
    (cd "$work/cd.d" && find . -type f | sort | tr '\n' '\0' | xargs -0 sha256sum > "$work/sums")
    mv "$work/sums" "$work/cd.d/SHA256SUMS"
    cd_image "$1" "$work/cd.d"
}

# What the kernel of linux.img loads, and programs with the libraries that they need: to be copied
# into its root.
make_tools()
{
    local root=$work/cd.d modules package module
    prepare_apt
    package=$(kernel_package 686)
    unpack "$package"
    modules=$packages/$package/lib/modules
    mkdir -p "$root/lib/modules" "$root/bin" "$root/lib/i386-linux-gnu"
    for package in libc6 libblkid1 libcom-err2 libext2fs2 libuuid1 fdutils mtools dosfstools \
        e2fsprogs hdparm; do
        unpack $package
        find "$packages/$package" -path '*/lib/i386-linux-gnu/*.so*' ! -path '*/gconv/*' \
            ! -path '*/audit/*' -exec cp -a -t "$root/lib/i386-linux-gnu" {} +
    done
    ln -s i386-linux-gnu/ld-linux.so.2 "$root/lib/ld-linux.so.2"
    mkdir "$root/lib/i386-linux-gnu/gconv"                 # mtools wants its code page
    cp "$packages/libc6/usr/lib/i386-linux-gnu/gconv/IBM850.so" "$root/lib/i386-linux-gnu/gconv/"
    printf '%s\n' 'alias CP850// IBM850//' 'module IBM850// INTERNAL IBM850 1' \
        'module INTERNAL IBM850// IBM850 1' \
        > "$root/lib/i386-linux-gnu/gconv/gconv-modules"
    cc -m32 -static -nostdlib -O0 -fno-pie -no-pie -fno-stack-protector \
        -o "$root/bin/fdformat" "$here/tools/fdformat.c"
    cp "$packages"/fdutils/usr/bin/{setfdprm,getfdprm,floppycontrol} \
        "$packages/mtools/usr/bin/mtools" "$packages"/dosfstools/sbin/{mkfs.fat,fsck.fat} \
        "$packages"/e2fsprogs/sbin/{mke2fs,e2fsck} "$packages/hdparm/sbin/hdparm" "$root/bin/"
    for package in mformat mcopy mdir mtype; do ln -s mtools "$root/bin/$package"; done
    for module in floppy ext4 crc32c_generic; do add_module $module; done
    cd_image "$1" "$root"
}

make_grubcd()
{
    mkdir -p "$work/cd.d/boot/grub"
    unpack grub-invaders
    cp "$cache/apt/grub-invaders/boot/invaders.exec" /boot/memtest86+ia32.bin "$work/cd.d/boot/"
    cat > "$work/cd.d/boot/grub/grub.cfg" <<END
set timeout=-1
menuentry "GRUB Invaders" { multiboot /boot/invaders.exec; boot; }
menuentry "memtest86+" { linux /boot/memtest86+ia32.bin; boot; }
menuentry "graphical menu" {
    loadfont unicode
    set gfxmode=800x600x32
    insmod all_video
    insmod gfxterm
    terminal_output gfxterm
}
END
    grub-mkrescue -d /usr/lib/grub/i386-pc -o "$work/cd" "$work/cd.d" > "$work/log" 2>&1 ||
        die "$(cat "$work/log")"
    mv "$work/cd" "$1"
}

make_ipxe()
{
    unpack ipxe
    cp "$cache/apt/ipxe/usr/lib/ipxe/ipxe.iso" "$1"
}

make_installer()
{
    local from=$cache/apt/debian-installer-12-netboot-i386/usr/lib/debian-installer/images/12/i386
    unpack debian-installer-12-netboot-i386
    mkdir "$work/cd.d"
    cp "$from/text/debian-installer/i386/linux" "$work/cd.d/linux"
    cp "$from/text/debian-installer/i386/initrd.gz" "$work/cd.d/text.gz"
    cp "$from/gtk/debian-installer/i386/initrd.gz" "$work/cd.d/gtk.gz"
    printf '%s\n' "PROMPT 1" "DEFAULT text" "LABEL text" " KERNEL linux" \
        " APPEND initrd=text.gz vga=normal fb=false nomodeset" \
        "LABEL gtk" " KERNEL linux" " APPEND initrd=gtk.gz vga=788" > "$work/cd.d/isolinux.cfg"
    isolinux_cd "$1" "$work/cd.d"
}

# ---- what to do ----------------------------------------------------------------------------------
# Built anew when this folder has changed. A whole image appears at once, or not at all.
build()
{
    local target=$cache/$1 kind=${1%.*}
    if [ -e "$target" ] && [ -z "$(find "$here/images.sh" "$here/linux" "$here/tools" \
            -newer "$target" -print -quit)" ]; then
        return 0
    fi
    declare -F "make_$kind" > /dev/null || { usage >&2; exit 2; }
    work=$(mktemp -d "$cache/work.XXXXXX")
    "make_$kind" "$target.new"
    mv "$target.new" "$target"
    rm -rf "$work"
    work=
    say "$target"
}

here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../../cache
work=
trap 'rm -rf "$work"' EXIT
while getopts o:h option; do
    case $option in
    o) cache=$OPTARG ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ "${1-}" != --help ] || { usage; exit 0; }
[ $# -gt 0 ] || { usage >&2; exit 2; }
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
for_arch i386
exec 9> "$cache/lock"
flock 9
for image in "$@"; do build "$image"; done

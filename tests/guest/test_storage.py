#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Disks and floppies that Linux has written, looked at by this host's tools (e2fsck,
fsck.fat, mtools).

  test_storage.py VITRO [TEST ...]
  test_storage.py VITRO qemu            the same in QEMU, and what differs there (not in ./check)
"""
import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
import vitro
from vitro import Machine, check, disk, equal, image, needs

PROMPT = r"^vitro:\S+#"
SBIN = ["/usr/sbin", "/sbin"]
MEGABYTES = 64


def host(*args, codes=(0,)):
    """One of this host's tools; what it printed."""
    program = shutil.which(args[0]) or shutil.which(args[0], path=":".join(SBIN))
    if not program:
        raise vitro.Skip("%s is not installed" % args[0])
    p = subprocess.run([program, *args[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       env=dict(os.environ, MTOOLS_SKIP_CHECK="1"))
    text = p.stdout.decode("utf-8", "replace")
    check(p.returncode in codes, "%s: exit code %d\n%s" % (" ".join(args), p.returncode, text))
    return text


def blank(path, size):
    with open(path, "wb") as f:
        f.truncate(size)
    return path


class Shell:
    """linux.img with the programs of tools.iso in its root; commands by serial line. A machine
    below it has send(), serial() and wait_serial()."""
    number = 0

    def login(self):
        self.wait_serial(PROMPT)
        self.run("stty -echo; PS1=; mount -t iso9660 -r /dev/sr0 /mnt && cp -af /mnt/. / && "
                 "umount /mnt")
        self.run("export LD_LIBRARY_PATH=/lib/i386-linux-gnu GCONV_PATH=/lib/i386-linux-gnu/gconv "
                 "MTOOLS_SKIP_CHECK=1")
        return self

    def run(self, command, code=0):
        """Its output, when it has ended with this exit code."""
        self.number += 1
        self.send("%s; echo \"en\"d %d $?\n" % (command, self.number))
        found = self.wait_serial(r"\bend %d (\d+)\n" % self.number)
        text = re.split(r"\bend %d \d+\n" % (self.number - 1), self.serial())[-1]
        equal(int(found.group(1)), code, command + "\n" + text)
        return text

    def load(self, *modules):
        for module in modules:
            self.run("insmod /lib/modules/%s.ko" % module)

    def power_off(self):
        self.send("poweroff\n")
        equal(self.exit_code(), 0, "exit code after poweroff")


class Linux(Shell, Machine):
    """In Vitro."""

    def __init__(self, drive=None, floppy=None, protected=None):
        lines = ["ata1-slave: type=cdrom, path=" + image("tools.iso"), "--memory", "128"]
        if drive:
            lines.append("ata1-master: type=disk, path=" + drive)
        if floppy:
            lines.append("floppya: 1_44=" + floppy)
        if protected:
            lines.append("floppyb: 1_44=%s, write_protected=1" % protected)
        super().__init__(disk(image("linux.img")), *lines, limit=900)


class Qemu(Shell):
    """The same in QEMU."""

    def __init__(self, drive=None, floppy=None, protected=None):
        needs("qemu-system-i386")
        args = ["-nodefaults", "-vga", "std", "-m", "128", "-display", "none", "-monitor", "none",
                "-serial", "stdio", "-no-reboot",
                "-drive", "file=%s,format=raw,if=ide,index=0,snapshot=on" % image("linux.img"),
                "-drive", "file=%s,format=raw,if=ide,index=3,media=cdrom" % image("tools.iso")]
        if drive:
            args += ["-drive", "file=%s,format=raw,if=ide,index=2" % drive]
        if floppy:
            args += ["-drive", "file=%s,format=raw,if=floppy,index=0" % floppy, "-boot", "c"]
        if protected:
            args += ["-drive", "file=%s,format=raw,if=floppy,index=1,readonly=on" % protected]
        self.process = subprocess.Popen(["qemu-system-i386", *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        preexec_fn=vitro.die_with_the_test)
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.wait()
        if kind:
            print("---- serial line (end)\n" + self.serial()[-3000:])

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def serial(self, patience=0):
        while select.select([self.process.stdout], [], [], patience)[0]:
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                break
            self.bytes += part
        return vitro.plain(self.bytes)

    def wait_serial(self, pattern):
        end = time.monotonic() + vitro.PATIENCE
        while True:
            found = re.search(pattern, self.serial(0.2), re.M)
            if found:
                return found
            check(time.monotonic() < end and self.process.poll() is None,
                  "QEMU does not say %r" % pattern)

    def exit_code(self):
        return self.process.wait(vitro.PATIENCE)


# ---- disks ---------------------------------------------------------------------------------------
def second_disk(m):
    """Linux's name of the drive on ata1-master."""
    return m.run("for d in sda sdb; do readlink -f /sys/block/$d | grep -q /ata2/ && "
                 "echo $d; done; true").split()[0]


def dma_disk(guest, make, mount, host_check):
    """Linux makes a file system, writes 64 MiB into it over DMA and reads them
    again with an empty cache."""
    with tempfile.TemporaryDirectory(prefix="vitro-disk-") as folder:
        path = blank(os.path.join(folder, "disk.img"), (MEGABYTES + 36) << 20)
        with guest(drive=path) as m:
            m.login()
            m.load("crc32c_generic", "crc16", "mbcache", "jbd2", "ext4")
            equal(m.run("cat /sys/class/ata_device/dev2.0/xfer_mode").split()[0], "XFER_MW_DMA_2",
                  "transfer mode")
            block = second_disk(m)
            device = "/dev/" + block
            interrupts = r"^ *15: +(\d+) .*ata_piix"
            m.run(make % device)
            m.run(mount % device + " /mnt")
            before = int(re.search(interrupts, m.run("cat /proc/interrupts"), re.M).group(1))
            m.run("mkdir /mnt/folder; seq 1 200000 > /numbers; head -c 8388608 /dev/urandom > "
                  "/noise")
            m.run("(cat /numbers; for i in $(seq 11 18); do echo $i; cat /noise; done) > "
                  "/mnt/folder/data")
            m.run("sync; umount /mnt; " + mount % device +
                  " /mnt; cmp -n 1288895 /numbers /mnt/folder/data")
            text = m.run("md5sum /mnt/folder/data")        # a third of the work of sha256sum
            after = int(re.search(interrupts, m.run("cat /proc/interrupts"), re.M).group(1))
            check(after - before < (MEGABYTES << 20) // 8192,
                  "%d interrupts are too many for DMA" % (after - before))
            m.run("umount /mnt")
            errors = m.run("dmesg | grep -e ata2 -e " + block +
                           " | grep -c -e error -e exception -e failed -e timeout", code=1)
            equal(errors.split()[0], "0", "errors in the kernel's log")
            m.power_off()
        host_check(path, folder)
        equal(sum_of(folder + "/out", "md5"), re.search("[0-9a-f]{32}", text).group(0),
              "the file on the image")
        with open(folder + "/out", "rb") as f:
            numbers = b"".join(b"%d\n" % n for n in range(1, 200001))
            equal(f.read(len(numbers)), numbers, "the start of the file")
        check(os.stat(folder + "/out").st_size == (MEGABYTES << 20) + 8 * 3 + len(numbers),
              "its length")


def sum_of(path, kind="sha256"):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, kind).hexdigest()


def test_ext4(guest=Linux):
    def look(path, folder):
        host("e2fsck", "-f", "-n", path)
        host("debugfs", "-R", "dump /folder/data %s/out" % folder, path)
    dma_disk(guest, "/bin/mke2fs -q -t ext4 %s", "mount -t ext4 %s", look)


def test_fat(guest=Linux):
    def look(path, folder):
        host("fsck.fat", "-n", path)
        host("mcopy", "-i", path, "::folder/data", folder + "/out")
    needs("mcopy")
    dma_disk(guest, "mkfs.fat -F 32 %s > /dev/null", "mount -t vfat %s", look)


FEATURES = r"""CHS current addressable sectors: +131040
LBA +user addressable sectors: +131072
LBA48 +user addressable sectors: +131072
Standby timer values: spec'd by Standard
R/W multiple sector transfer: Max = 16
DMA: mdma0 mdma1 \*mdma2 udma0 udma1 udma2
\*\s+SMART feature set
\*\s+Power Management feature set
\*\s+Write cache
\*\s+Look-ahead
\*\s+48-bit Address feature set
\*\s+FLUSH_CACHE_EXT
Checksum: correct"""


def test_features(guest=Linux):
    """hdparm: what the disk says of itself, and that it does what it is told."""
    with tempfile.TemporaryDirectory(prefix="vitro-disk-") as folder:
        with guest(drive=blank(os.path.join(folder, "disk.img"), 64 << 20)) as m:
            m.login()
            device = "/dev/" + second_disk(m)
            text = m.run("hdparm -I " + device)
            for line in FEATURES.split("\n"):
                check(re.search(line, text), "hdparm -I: " + line)
            for on in "01":
                text = m.run("hdparm -W%s -A%s %s" % (on, on, device))
                check(re.search("look-ahead += +%s .*\n write-caching = +%s " % (on, on), text),
                      text)
            m.run("hdparm -S 12 " + device)
            state = m.run("hdparm -y %s; hdparm -C %s" % (device, device)).split(":")[-1]
            check("standby" in state, "it does not stand by")
            m.run("dd if=%s of=/dev/null count=1" % device)
            check("active/idle" in m.run("hdparm -C " + device), "a read does not wake it")
            m.run("hdparm -F " + device)
            m.run("echo 12345 | dd of=%s seek=7 conv=sync" % device)
            check("3132 3334 350a" in m.run("hdparm --read-sector 7 %s | head -n 4" % device),
                  "READ SECTORS by hand")
            m.run("hdparm --yes-i-know-what-i-am-doing --write-sector 7 " + device)
            check("0000 0000" in m.run("hdparm --read-sector 7 %s | head -n 4" % device),
                  "WRITE SECTORS by hand")
            m.power_off()


# ---- what two BIOSes make of disks ---------------------------------------------------------------
BOCHS = ["romimage: file=/usr/share/bochs/BIOS-bochs-latest",
         "vgaromimage: file=/usr/share/vgabios/vgabios.bin", "fw_cfg: enabled=0"]
# of 2000 cylinders, 16 heads, 63 sectors: what programs see by INT 13h
TRANSLATIONS = {"auto": "1000/32/63", "none": "1024/16/63", "lba": "1000/32/63",
                "large": "1000/32/63", "rechs": "533/60/63"}


def needs_bochs():
    needs(*(word.split("=")[1] for word in BOCHS[:2]))


def test_translation():
    """CHS translation, as CMOS memory tells it to SeaBIOS and to the Bochs BIOS."""
    needs_bochs()
    with tempfile.TemporaryDirectory(prefix="vitro-disk-") as folder:
        path = blank(os.path.join(folder, "disk.img"), 2000 * 16 * 63 * 512)
        log = os.path.join(folder, "log")
        for bios in [], BOCHS:
            for name, wanted in TRANSLATIONS.items():
                with Machine(*bios, "firmware_log: file=" + log,
                             "ata0-master: type=disk, path=%s, translation=%s" % (path, name),
                             limit=60) as m:
                    m.wait_screen("No bootable device")
                with open(log) as f:
                    found = re.search(r"PCHS=2000/16/63 translation=\S+ LCHS=(\S+)", f.read())
                check(found, "no geometry in the firmware's log")
                equal(found.group(1), wanted, name)
                os.unlink(log)


def test_channels():
    """The Bochs BIOS boots from the third and the fourth channel, too."""
    needs_bochs()
    for name in "ata2-master", "ata3-slave":
        with Machine(*BOCHS, "ata2: enabled=1", "ata3: enabled=1",
                     disk(image("linux.img")).replace("ata0-master", name), limit=60) as m:
            m.wait_screen("SYSLINUX")


# ---- floppies ------------------------------------------------------------------------------------
# the floppy driver's minor numbers of drive 0, which choose a format; KiB
FORMATS = {"u1440": (28, 1440), "u720": (16, 720), "u1680": (44, 1680), "u1722": (60, 1722)}


def format_floppy(m, name, size):
    """Low-level format of drive A: every sector is filled with F6h; QEMU 7.2 leaves the data."""
    minor, kib = FORMATS[name]
    m.run("mknod /dev/fd0%s b 2 %d" % (name, minor))
    check("formatted sectors: %d\n" % (kib * 2) in m.run("fdformat /dev/fd0" + name),
          "formatted " + name)
    if isinstance(m, Qemu):
        return
    equal(m.run("cat /dev/fd0%s | tr -d '\\366' | wc -c; cat /dev/fd0%s | wc -c" %
                (name, name)).split()[:2],
          ["0", str(kib << 10)], "what is read from a formatted disk")
    equal(os.stat(size).st_size, kib << 10, "size of the image")


def test_floppy(guest=Linux):
    """A disk is formatted, gets a file system, and files by the kernel and by mtools;
    they are read again."""
    needs("mcopy")
    with tempfile.TemporaryDirectory(prefix="vitro-floppy-") as folder:
        path = os.path.join(folder, "floppy.img")
        with open(path, "wb") as f:
            f.write(os.urandom(1440 << 10))
        with guest(floppy=path) as m:
            m.login()
            m.load("floppy")
            format_floppy(m, "u1440", path)
            m.run("mkfs.fat -n VITRO /dev/fd0u1440")
            m.run("mount -t vfat /dev/fd0u1440 /mnt; seq 1 60000 > /mnt/numbers; "
                  "mkdir /mnt/folder; cp /bin/setfdprm /mnt/folder")
            m.run("umount /mnt; mcopy -i /dev/fd0u1440 /etc/rc ::rc.txt && sync")
            m.run("echo 3 > /proc/sys/vm/drop_caches; mount -t vfat -r /dev/fd0u1440 /mnt")
            lines = m.run("cd /mnt; sha256sum numbers rc.txt folder/setfdprm; cd /").split("\n")
            sums = dict(reversed(line.split()) for line in lines
                        if re.match("[0-9a-f]{64} ", line))
            m.run("umount /mnt")
            m.power_off()
        host("fsck.fat", "-n", path)
        equal(len(sums), 3, "sums")
        for name, wanted in sums.items():
            host("mcopy", "-n", "-i", path, "::" + name, folder + "/out")
            equal(sum_of(folder + "/out"), wanted, name + " on the image")
            os.unlink(folder + "/out")
        equal(hashlib.sha256(b"".join(b"%d\n" % n for n in range(1, 60001))).hexdigest(),
              sums["numbers"], "numbers")


def test_floppy_formats(guest=Linux):
    """The same disk as 720K, 1.68M and 1.72M, with a file on each; then write-protected."""
    needs("mcopy")
    with tempfile.TemporaryDirectory(prefix="vitro-floppy-") as folder:
        path = os.path.join(folder, "floppy.img")
        other = blank(os.path.join(folder, "other.img"), 737280)
        blank(path, 1440 << 10)
        with guest(floppy=path, protected=other) as m:
            m.login()
            m.load("floppy")
            for name in ("u720", "u1680", "u1722"):
                format_floppy(m, name, path)
                m.run("mkfs.fat /dev/fd0%s && mcopy -i /dev/fd0%s /bin/setfdprm :: && sync" %
                      (name, name))
                host("fsck.fat", "-n", path)
                host("mcopy", "-n", "-i", path, "::setfdprm", folder + "/" + name)
            sums = {sum_of(folder + "/" + name) for name in ("u720", "u1680", "u1722")}
            equal(len(sums), 1, "sums of one file on three disks")
            check(sums.pop() in m.run("sha256sum /bin/setfdprm"), "the file is not the guest's")
            m.run("dd if=/etc/rc of=/dev/fd1 bs=512 count=1", code=1)
            check("Read-only" in m.run("dd if=/etc/rc of=/dev/fd1 bs=512 count=1", code=1),
                  "a protected disk")
            m.run("dd if=/dev/fd1 of=/dev/null bs=9k count=80")
            m.power_off()


def test_qemu():
    """Says what passes in QEMU, too, and what does not."""
    for name in "floppy", "floppy_formats", "ext4", "fat", "features":
        try:
            globals()["test_" + name](Qemu)
            print("QEMU: %s: passed" % name, flush=True)
        except (vitro.Failure, vitro.Skip) as why:
            print("QEMU: %s: %s" % (name, why), flush=True)


if __name__ == "__main__":
    vitro.main(globals())

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hostile guests and users. Whatever they do, vitro neither crashes nor hangs.

    fuzz.py VITRO KIND [--seconds=N] [--seed=N] [--count=N]

  rom      random code as the system BIOS, in real or protected mode, with random devices
  boot     random code as the boot sector of a disk or a floppy, under SeaBIOS
  ports    random port and memory accesses from outside (--qtest)
  config   mutations of a bochsrc

The first cases are the same every time (seeds 1, 2 ...), then come others until the time is
over. A case that fails prints its seed: --seed=N --count=1 repeats it. Made for a build
with sanitizers (preset sanitize).
"""
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HANG = 120              # seconds of the host
FIXED = 20              # cases with the same seeds every time
KNOWN = {"ports": [1477604229]}     # seeds that once failed: this powers off between two accesses
ENDS = {0, 1, 2, 3}     # exit codes of a run that ended in order, far from a sanitizer's

# where devices are: first port, number of ports
PORTS = [(0x00, 16), (0x20, 2), (0x40, 4), (0x60, 5), (0x70, 2), (0x80, 16), (0x92, 1), (0xA0, 2),
         (0xC0, 32), (0xE9, 1), (0x170, 8), (0x1CE, 3), (0x1F0, 8), (0x376, 1), (0x3B0, 16),
         (0x3C0, 32), (0x3F0, 8), (0x3F8, 8), (0x402, 1), (0x4D0, 2), (0x510, 12), (0xAE00, 20),
         (0xB000, 64), (0xB100, 16), (0xC000, 16), (0xCF8, 8)]
PLACES = [0x0, 0x400, 0x7C00, 0x9FFF0, 0xA0000, 0xAFFFF, 0xB0000, 0xB8000, 0xBFFFE, 0xC0000,
          0xE0000, 0xFFFF0, 0xFFFFF, 0x100000, 0x10FFEF, 0xE0000000, 0xFD000000, 0xFEBF0000,
          0xFEC00000, 0xFEE00000, 0xFFFC0000, 0xFFFFFFF0]


class Failed(Exception):
    pass


def port(r):
    if r.random() < 0.03:
        return r.randrange(65536)
    first, count = r.choice(PORTS)
    return first + r.randrange(count)


# ---- code that does something --------------------------------------------------------------------
def instruction(r, wide):
    """One instruction, more often one that reaches devices or system registers
    than chance would have."""
    kind = r.randrange(16)
    if kind < 5:
        return r.randbytes(r.randrange(1, 5))
    if kind == 5:                                       # MOV DX; MOV AX; OUT or IN
        value = r.randbytes(4 if wide else 2)
        dx = b"\xba" + struct.pack("<I" if wide else "<H", port(r))
        return dx + b"\xb8" + value + r.choice([b"\xee", b"\xef", b"\xec", b"\xed", b"\x66\xef",
                                                b"\x66\xed"])
    if kind == 6:                                       # OUT imm8
        return b"\xb0" + r.randbytes(1) + b"\xe6" + bytes([port(r) & 0xFF])
    if kind == 7:                                       # a string instruction
        return r.choice([b"", b"\xf3", b"\xf2", b"\xfc", b"\xfd"]) + \
            bytes([r.choice(b"\xa4\xa5\xa6\xa7\xaa\xab\xac\xad\xae\xaf\x6c\x6d\x6e\x6f")])
    if kind == 8:                                       # a segment register, an index register
        return b"\xb8" + struct.pack("<I" if wide else "<H",
                                     r.choice([0, 8, 16, 0xA000, 0xB800, 0xFFFF, 0x7C0])) + \
            b"\x8e" + bytes([0xC0 | r.choice([0, 2, 3, 4, 5]) << 3]) + \
            b"\xbf" + r.randbytes(4 if wide else 2)
    if kind == 9:
        return b"\xcd" + r.randbytes(1)
    if kind == 10:                                      # LGDT, LIDT, SMSW, LMSW, INVLPG
        return b"\x0f\x01" + r.randbytes(3)
    if kind == 11:                                      # control and debug registers
        return b"\x66\xb8" + struct.pack("<I", r.getrandbits(32) & r.getrandbits(32)) + \
            b"\x0f" + r.choice([b"\x22", b"\x20", b"\x23", b"\x21"]) + \
            bytes([0xC0 | r.randrange(6) << 3])
    if kind == 12:
        return b"\x0f" + r.randbytes(3)
    if kind == 13:                                      # x87
        return bytes([0xD8 | r.randrange(8)]) + r.randbytes(1)
    if kind == 14:                                      # back to something, or over something
        return bytes([r.choice([0xEB, 0x74, 0x75, 0xE2, 0x72]),
                      r.choice([0xF0, 0xE0, 0x02, 0x05, 0xD0])])
    return r.choice([b"\xfb", b"\xf4", b"\x9d", b"\x9c", b"\xcf", b"\x0f\xa2", b"\x0f\x32",
                     b"\x0f\x30",
                     b"\x0f\x31", b"\x9b", b"\x0f\x09", b"\xea" + r.randbytes(4), b"\xf1", b"\xcc"])


def code(r, size, wide=False):
    out = b""
    while len(out) < size:
        out += instruction(r, wide)
    return out[:size]


def protected_mode(image):
    """Descriptor tables in the ROM: flat code and data, 256 interrupt gates.
    Returns the code that goes there."""
    image[0xE000:0xE018] = struct.pack("<QQQ", 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF)
    image[0xE020:0xE02C] = struct.pack("<HIHI", 0x17, 0xFE000, 0x7FF, 0xFD000)
    for vector in range(256):
        handler = 0xFE60 if vector in (8, 10, 11, 12, 13, 14, 17) else 0xFE64
        at = 0xD000 + 8 * vector
        image[at:at + 8] = struct.pack("<HHHH", handler, 8, 0x8E00, 0xF)
    # ADD ESP,4; NOP; INC DWORD [ESP]; IRET
    image[0xFE60:0xFE68] = b"\x83\xc4\x04\x90\xff\x04\x24\xcf"
    image[0x100:0x10B] = b"\x66\xb8\x10\x00\x8e\xd8\x8e\xc0\x8e\xd0\x90"
    # LGDT CS:[E020h]; LIDT CS:[E026h]; MOV EAX,CR0; OR AL,1; MOV CR0,EAX; JMP 8:F0100h
    return (b"\x2e\x66\x0f\x01\x16\x20\xe0\x2e\x66\x0f\x01\x1e\x26\xe0"
            b"\x0f\x20\xc0\x0c\x01\x0f\x22\xc0"
            b"\x66\xea" + struct.pack("<IH", 0xF0100, 8))


def rom(r):
    """64 KiB, in real mode or flat protected mode. Exceptions go on at the next byte,
    so that it takes long until all is lost."""
    image = bytearray(code(r, 0x10000, True))
    start = b"\xfa\x31\xc0\x8e\xd8\x8e\xd0\x8e\xc0\xbc\x00\x7c"     # CLI; segments 0; SP = 7C00h
    start += b"\x31\xff\xb9\x00\x01\x66\xb8\x50\xfe\x00\xf0\xf3\x66\xab"   # all vectors: F000:FE50
    # PUSH BP; MOV BP,SP; INC [BP+2]; POP BP; IRET
    image[0xFE50:0xFE58] = b"\x55\x89\xe5\xff\x46\x02\x5d\xcf"
    if r.random() < 0.5:
        start += protected_mode(image)
    image[0:len(start)] = start
    image[0xFFF0:0xFFF5] = b"\xea\x00\x00\x00\xf0"
    return bytes(image)


def boot_sector(r):
    return code(r, 440) + r.randbytes(70) + b"\x55\xaa"


# ---- one case of each kind -----------------------------------------------------------------------
def devices(r, folder):
    """Bochsrc lines of some machine."""
    disk = os.path.join(folder, "disk.img")
    with open(disk, "wb") as f:
        f.write(boot_sector(r) + r.randbytes(4096))
        f.truncate(r.choice([1 << 20, 5000 * 512, 1474560]))
    lines = ["cpu: reset_on_triple_fault=%d" % r.randrange(2),
             "com1: enabled=%d, mode=null" % r.randrange(2)]
    if r.random() < 0.7:
        lines.append("ata0-master: type=disk, mode=volatile, path=" + disk)
    if r.random() < 0.5:
        lines.append("floppya: 1_44=%s, status=inserted, write_protected=1" % disk)
    if r.random() < 0.2:
        lines.append("pci: enabled=0")
    if r.random() < 0.2:
        lines.append("fw_cfg: enabled=0")
    return lines, disk


def finish(command, what):
    try:
        p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=HANG)
    except subprocess.TimeoutExpired:
        raise Failed("%s: no end after %d s: %s" % (what, HANG, command)) from None
    text = p.stdout.decode("utf-8", "replace")
    if p.returncode not in ENDS or "Sanitizer" in text or "runtime error" in text:
        raise Failed("%s: exit code %d: %s\n%s" % (what, p.returncode, command, text[-6000:]))


def plain(vitro, folder, *words):
    return [vitro, "-n", "--display", "nogui", "--log", "/dev/null",
            "clock: sync=none, time0=1000000000", *words]


def case_rom(r, vitro, folder):
    lines, _ = devices(r, folder)
    path = os.path.join(folder, "rom")
    with open(path, "wb") as f:
        f.write(rom(r))
    finish(plain(vitro, folder, "--memory", str(r.choice([1, 2, 16])), "--until", "5ms",
                 "romimage: file=" + path, *lines), "rom")


def case_boot(r, vitro, folder):
    lines, disk = devices(r, folder)
    with open(disk, "r+b") as f:
        f.write(boot_sector(r))
    finish(plain(vitro, folder, "--memory", "16", "--until", "75ms", *lines,
                 "ata0-master: type=disk, mode=volatile, path=" + disk, "boot: disk"), "boot")


def access(r):
    """One line of the qtest protocol."""
    size = r.choice("bbbwl")
    mask = {"b": 0xFF, "w": 0xFFFF, "l": 0xFFFFFFFF}[size]
    value = r.choice([0, 1, 0xFF, 0x80, r.getrandbits(8), r.getrandbits(32)]) & mask
    kind = r.random()
    if kind < 0.60:
        return "out%s 0x%x 0x%x" % (size, port(r), value)
    if kind < 0.80:
        return "in%s 0x%x" % (size, port(r))
    place = (r.choice(PLACES) + r.randrange(-8, 4096)) & 0xFFFFFFFF
    if kind < 0.90:
        return "write%s 0x%x 0x%x" % (size, place, value)
    if kind < 0.95:
        return "read%s 0x%x" % (size, place)
    return "clock_step %d" % r.choice([1, 1000, 1000000, 100000000, 10000000000])


def ask(connection, answers, command):
    """False when nobody answers any more: an access may have powered the machine off, and what the
    exit code says of that counts, not which side noticed first."""
    try:
        connection.sendall(command.encode() + b"\n")
        answer = answers.readline()
        while answer.startswith("IRQ"):
            answer = answers.readline()
        return answer.startswith("OK")
    except (BrokenPipeError, ConnectionResetError):
        return False


def case_ports(r, vitro, folder):
    """600 accesses; a device is often spoken to several times in a row."""
    lines, _ = devices(r, folder)
    path = os.path.join(folder, "qtest")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    listener.settimeout(HANG)
    commands = []
    while len(commands) < 600:
        commands += [access(r)] * r.choice([1, 1, 1, 1, 3, 20])
    with open(os.path.join(folder, "out"), "w+b") as out:
        p = subprocess.Popen(plain(vitro, folder, "--memory", "4", "--qtest", "unix:" + path,
                                   *lines), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            connection = listener.accept()[0]
            connection.settimeout(HANG)
            answers, asked = connection.makefile("r"), None
            for asked in commands:
                if not ask(connection, answers, asked):
                    break
            answers.close()
            connection.close()
            code = p.wait(HANG)
        except (OSError, subprocess.TimeoutExpired) as why:
            p.kill()
            code = "none: %r" % why
        finally:
            listener.close()
            p.poll() is None and p.kill()
            p.wait()
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    if code not in ENDS or "Sanitizer" in text or "runtime error" in text:
        raise Failed("ports: exit code %s after %r\n%s\n%s" % (code, asked, "\n".join(lines),
                                                               text[-6000:]))


LINES = """megs: 64
memory: guest=64, host=64
cpu: count=1, ips=50000000, model=pentium2, reset_on_triple_fault=1
romimage: file=$BXSHARE/BIOS-bochs-latest, address=0xfffe0000, options=fastboot
vgaromimage: file="/usr/share/vgabios/vgabios.bin"
optromimage1: file=/dev/null, address=0xd0000
floppya: 1_44=/dev/zero, status=inserted, write_protected=1
floppyb: type=1_2, image="a b.img"
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, mode=flat, path="c.img", cylinders=306, heads=4, spt=17, \
translation=auto, model="x"
ata1-slave: type=cdrom, path=cd.iso, status=ejected
boot: floppy, disk, cdrom
clock: sync=slowdown, time0=utc, rtc_sync=0
com1: enabled=1, mode=file, dev=/dev/null
log: -
panic: action=ask, cpu=fatal
debug: action=ignore, pic=report
display_library: sdl2, options="fullscreen"
mouse: enabled=1, type=ps2, toggle=ctrl+mbutton
pci: enabled=1, chipset=i440fx, slot1=pcivga
magic_break: enabled=1
#include /nonexistent
  # a comment
sound: waveoutdrv=dummy""".split("\n")


def mutated(r):
    text = bytearray("\n".join(r.sample(LINES, r.randrange(1, len(LINES)))).encode() + b"\n")
    for _ in range(r.randrange(1, 12)):
        at, kind = r.randrange(len(text) + 1), r.randrange(7)
        if kind == 0:
            text[at:at + 1] = r.randbytes(1)
        elif kind == 1:
            text[at:at] = r.choice([b'"', b":", b",", b"=", b"$", b"\\", b"\r\n", b"\t",
                                    b"$BXSHARE$", b"#include "])
        elif kind == 2:
            del text[at:at + r.randrange(1, 20)]
        elif kind == 3:
            text[at:at] = r.choice([b"-1", b"0x", b"99999999999999999999999",
                                    b"18446744073709551616", b"%s%n"])
        elif kind == 4:
            text[at:at] = bytes([r.choice(b"a\"$=,:")]) * r.choice([300, 5000])
        elif kind == 5:
            text += text[at:at + 200]
        else:
            text[at:at] = r.choice(LINES).encode()
    return bytes(text)


def case_config(r, vitro, folder):
    path = os.path.join(folder, "bochsrc")
    with open(path, "wb") as f:
        text, itself = mutated(r), b"#include " + path.encode() + b"\n"
        f.write(text.replace(b"#include", b"#include" if r.random() < 0.9 else itself))
    finish([vitro, "-q", "-f", path, "--print-config",
            *r.choice([[], ["--strict-config"], ["a.img"]])], "config")


# ---- the loop ------------------------------------------------------------------------------------
def main():
    options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--") and "=" in a)
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(words) != 2 or "case_" + words[1] not in globals():
        print(__doc__)
        sys.exit(2)
    vitro, kind = os.path.abspath(words[0]), words[1]
    end = time.monotonic() + float(options.get("seconds", 60))
    first = int(options.get("seed", 0))
    later = first or random.SystemRandom().randrange(1000, 1 << 31)
    count = int(options.get("count", 1 << 30))
    done = 0
    fixed = KNOWN.get(kind, []) + list(range(1, FIXED + 1))
    while done < count and (done == 0 or time.monotonic() < end):
        seed = first + done if first else fixed[done] if done < len(fixed) else later + done
        with tempfile.TemporaryDirectory(prefix="vitro-fuzz-") as folder:
            try:
                globals()["case_" + kind](random.Random(seed), vitro, folder)
            except Failed as why:
                print("%s\nFAILED. Again: fuzz.py %s %s --seed=%d --count=1" %
                      (why, words[0], kind, seed))
                sys.exit(1)
        done += 1
    print("%s: %d cases, seeds from %d" % (kind, done, later))


main()

# SPDX-License-Identifier: MIT
"""An X server without a screen (Xvfb) and what is drawn on it."""
import contextlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import time
import zlib
from vitro import PATIENCE, Failure, die_with_the_test


class Server:
    """Its frame buffer is a file, an XWD dump that is always up to date (Xvfb -fbdir)."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="vitro-xvfb-")
        read, write = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-fbdir", self.dir,
             "-nolisten", "tcp"], pass_fds=[write], stderr=subprocess.DEVNULL,
            preexec_fn=die_with_the_test)
        os.close(write)
        with os.fdopen(read) as f:
            self.display = ":" + f.readline().strip()
        if self.display == ":":
            raise Failure("Xvfb does not start")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def environment(self):
        env = dict(os.environ, DISPLAY=self.display, SDL_AUDIODRIVER="dummy")
        env.pop("WAYLAND_DISPLAY", None)
        env.pop("SDL_VIDEODRIVER", None)
        env["ASAN_OPTIONS"] = "detect_leaks=0"     # of SDL's X11, D-Bus and input method libraries
        return env

    def run(self, *command):
        subprocess.run(command, env=self.environment(), check=True, timeout=PATIENCE,
                       stdout=subprocess.DEVNULL)

    def ask(self, *command):
        return subprocess.run(command, env=self.environment(), check=True, timeout=PATIENCE,
                              stdout=subprocess.PIPE).stdout.decode()

    @contextlib.contextmanager
    def window_manager(self):
        """SDL waits forever for a window that is mapped while the window manager starts:
        not before it is there."""
        ready = os.path.join(self.dir, "ready")
        program = subprocess.Popen(["openbox", "--startup", "touch " + ready],
                                   env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=die_with_the_test)
        try:
            self.wait_for(lambda: os.path.exists(ready), "a window manager")
            yield self
        finally:
            program.terminate()
            program.wait()

    def copy(self, text):
        """Into the clipboard. xclip stays to hand it out."""
        subprocess.run(["xclip", "-selection", "clipboard", "-in"], input=text.encode(),
                       env=self.environment(), check=True, timeout=PATIENCE,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def type(self, line):
        self.run("xdotool", "type", "--delay", "60", line)
        self.run("xdotool", "key", "Return")

    def rows(self):
        """The screen as rows of RGB bytes. X Window Dump, XWDFile.h:
        header words are big-endian."""
        with open(os.path.join(self.dir, "Xvfb_screen0"), "rb") as f:
            data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:]
        header = struct.unpack(">25I", data[:100])
        size, width, height, order, bits, stride, colors = (
            header[i] for i in (0, 4, 5, 7, 11, 12, 19))
        assert bits == 32, bits
        pixels = data[size + 12 * colors:]
        r, g, b = (1, 2, 3) if order else (2, 1, 0)
        for y in range(height):
            row = pixels[y * stride:y * stride + 4 * width]
            out = bytearray(3 * width)
            out[0::3], out[1::3], out[2::3] = row[r::4], row[g::4], row[b::4]
            yield bytes(out)

    def shows(self, ppm):
        """Is this picture somewhere on the screen? A cursor that blinks may differ:
        one row of text."""
        width, wanted = read_ppm(ppm)
        screen = list(self.rows())
        anchor = max(range(len(wanted)),
                     key=lambda y: len(set(wanted[y])) * 100000 + wanted[y].count(0) % 99991)
        for y, row in enumerate(screen):
            x = row.find(wanted[anchor])
            if x < 0 or y < anchor:
                continue
            part = [r[x:x + 3 * width] for r in screen[y - anchor:y - anchor + len(wanted)]]
            if sum(a != b for a, b in zip(part, wanted)) <= 16 and len(part) == len(wanted):
                return True
        return False

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise Failure("the window does not show " + what)
            time.sleep(0.1)

    def wait_for_picture(self, ppm):
        self.wait_for(lambda: self.shows(ppm), "the guest's screen")


def read_ppm(path):
    with open(path, "rb") as f:
        data = f.read()
    kind, width, height, most = data.split(None, 4)[:4]
    assert kind == b"P6" and most == b"255"
    width, height = int(width), int(height)
    pixels = data[len(data) - 3 * width * height:]
    return width, [pixels[y * 3 * width:(y + 1) * 3 * width] for y in range(height)]


def read_png(path):
    """As read_ppm, for pictures of 8-bit RGB that are not interlaced.
    PNG Specification (W3C, 2003)."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, header = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    width, height = header[:2]
    assert header[2:] == (8, 2, 0, 0, 0), header
    lines = zlib.decompress(packed)
    assert len(lines) == height * (1 + 3 * width)
    rows, above = [], bytes(3 * width)
    for y in range(height):
        line = lines[y * (1 + 3 * width):(y + 1) * (1 + 3 * width)]
        above = unfiltered(line[0], bytearray(line[1:]), above)
        rows.append(bytes(above))
    return width, rows


def unfiltered(kind, row, above):
    """Section 9: each byte was stored less a prediction from its neighbours to
    the left and above."""
    for i in range(len(row) if kind else 0):
        left, up, corner = (row[i - 3], above[i], above[i - 3]) if i >= 3 else (0, above[i], 0)
        if kind == 4:
            guess = min((left, up, corner), key=lambda c: abs(left + up - corner - c))
        else:
            guess = (left, up, (left + up) // 2)[kind - 1]
        row[i] = row[i] + guess & 255
    return row

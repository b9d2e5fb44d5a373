# SPDX-License-Identifier: MIT
"""Runs vitro from a test: starts it, types, waits for text on the screen or the serial line.

    with Machine("--memory", "64", disk("linux.img")) as m:
        m.wait_screen("login:")
        m.type("root\n")
        assert m.exit_code() == 0

Limits are guest time: a slow or busy host makes a test slow, not wrong. Between two looks at a
machine any time may pass, of the guest's more than of the host's: wait for what stays (the serial
line from its start, a screen that waits for a key), for whole lines, and not for a value that goes
by; where the guest waits for a key only for a while, type ahead or use sync="slowdown". Whatever
fails shows the screen, the serial line and the log. Test programs end with main(), which takes

    test_x.py VITRO [TEST ...]        all tests, or those named; exit code 77: skipped
    ... --stall=SECONDS               the test stands still now and then, which shows races
"""
import ctypes
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
IMAGES = os.environ.get("VITRO_IMAGES", os.path.join(TOP, "cache"))
PATIENCE = 900          # host seconds until a machine counts as stuck
DEAD = "halted with interrupts disabled"
vitro = "vitro"         # the program under test; main() sets it
others = {}             # --name=VALUE of the command line

# US layout, names of keys as the monitor has them
KEYS = {" ": "spc", "\n": "ret", "\t": "tab", "\b": "backspace", "\x1b": "esc", "-": "minus",
        "=": "equal", "[": "bracket_left", "]": "bracket_right", "\\": "backslash",
        ";": "semicolon", "'": "apostrophe", "`": "grave_accent", ",": "comma", ".": "dot",
        "/": "slash"}
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./"))


class Skip(Exception):
    """What the test needs is not here."""


class Failure(Exception):
    pass


def die_with_the_test():
    """Popen's preexec_fn: Linux kills the program when the test dies, however that happens."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def needs(*paths):
    for path in paths:
        if not os.path.exists(path) and not shutil.which(path):
            raise Skip("%s is not installed" % path)


def image(name):
    path = os.path.join(IMAGES, name)
    if not os.path.exists(path):
        raise Skip("no %s: tests/guest/images.sh %s makes it" % (path, name))
    return path


def disk(path, **options):
    """A hard disk that the guest may write to without changing the file."""
    more = "".join(", %s=%s" % o for o in options.items())
    return "ata0-master: type=disk, mode=volatile, path=%s%s" % (path, more)


def floppy(path):
    return "floppya: 1_44=%s, status=inserted, write_protected=1" % path


def key_of(character):
    if character in SHIFTED:
        base = SHIFTED[character]
        return "shift-" + KEYS.get(base, base)
    if character.isupper():
        return "shift-" + character.lower()
    return KEYS.get(character, character)


def plain(data):
    """The text of a terminal without colours and cursor movements. Always from all bytes that came:
    a part of them may end in the middle of a character or of a movement."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", data.decode("utf-8", "replace"))


class Machine:
    """One running vitro. It starts without a window, at a fixed date, and guest time goes as fast
    as it can; later arguments win. config: the text of a bochsrc, else there is none. on_terminal:
    a file descriptor that is its standard input, output and error. folder: where it works."""

    def __init__(self, *args, config=None, limit=600, env=None, command=None, display="nogui",
                 sync="none", on_terminal=None, folder=None):
        self.limit = limit
        self.dir = tempfile.mkdtemp(prefix="vitro-guest-")
        self.log = os.path.join(self.dir, "log")
        self.serial_bytes = b""
        self.last_screen = "(never read)"
        lines = ["com1: enabled=1, mode=socket-client, dev=" + os.path.join(self.dir, "serial"),
                 "display_library: " + display, "log: " + self.log,
                 "clock: sync=%s, time0=1000000000" % sync]
        if config is None:
            lines.insert(0, "-n")
        else:
            with open(os.path.join(self.dir, "bochsrc"), "w") as f:
                f.write("\n".join([config] + lines) + "\n")
            lines = ["-q", "-f", f.name]
        self.args = (command or [vitro]) + \
            ["--monitor", "unix:" + os.path.join(self.dir, "monitor")] + lines + list(args)
        listener = socket.socket(socket.AF_UNIX)       # ours, so that nothing said early is lost
        listener.bind(os.path.join(self.dir, "serial"))
        listener.listen(1)
        listener.settimeout(PATIENCE)
        self.errors = open(os.path.join(self.dir, "stderr"), "w+")
        streams = ((subprocess.DEVNULL, self.errors) if on_terminal is None
                   else (on_terminal, on_terminal))
        self.process = subprocess.Popen(self.args, stdin=streams[0], stdout=streams[1],
                                        stderr=streams[1], env=env, cwd=folder,
                                        start_new_session=True, preexec_fn=die_with_the_test)
        self.deadline = time.monotonic() + PATIENCE
        try:
            self.monitor_socket = self._connect("monitor")
            self._answer()
            self.serial_socket = listener.accept()[0]
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        finally:
            listener.close()

    # ---- connections -----------------------------------------------------------------------------
    def _connect(self, name):
        end = time.monotonic() + PATIENCE
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(os.path.join(self.dir, name))
                s.settimeout(PATIENCE)
                return s
            except OSError:
                s.close()
            if self.process.poll() is not None:
                raise Failure("it ended with exit code %d" % self.process.returncode)
            if time.monotonic() > end:
                raise Failure("no %s socket" % name)
            time.sleep(0.02)

    def _answer(self):
        text = b""
        while not text.endswith(b"(vitro) "):
            try:
                part = self.monitor_socket.recv(65536)
            except ConnectionError:
                part = b""
            if not part:
                raise EOFError
            text += part
        return text[:-len("(vitro) ")].decode("utf-8", "replace")

    def monitor(self, command):
        """Sends a command; returns its answer. EOFError: the machine has ended."""
        if random.random() < float(others.get("often", 0.05)):
            time.sleep(float(others.get("stall", 0)))
        try:
            self.monitor_socket.sendall(command.encode() + b"\n")
        except OSError:
            raise EOFError from None
        return self._answer()

    # ---- what it shows ---------------------------------------------------------------------------
    def now(self):
        """Guest time in seconds."""
        answer = self.monitor("info status")
        found = re.search(r"guest time ([0-9.]+) s", answer)
        if not found:
            raise Failure("info status: " + answer)
        return float(found.group(1))

    def screen(self):
        self.last_screen = self.monitor("screentext")
        return self.last_screen

    def serial(self):
        """All that came over the serial line so far, without colours and cursor movements."""
        self.serial_socket.settimeout(0)
        try:
            while True:
                part = self.serial_socket.recv(65536)
                if not part:
                    break
                self.serial_bytes += part
        except OSError:
            pass
        return plain(self.serial_bytes)

    def _wait(self, read, what, pattern, limit):
        """Clock and log are read before the text: one that came in time is never missed."""
        found, end = None, None
        while not found:
            try:
                now, dead = self.now(), DEAD in self.log_text()
                found = re.search(pattern, read(), re.M)
            except EOFError:
                found = read == self.serial and re.search(pattern, read(), re.M)
                if not found:
                    raise Failure("it ended before %r was on the %s" % (pattern, what)) from None
                break
            end = end or now + (limit or self.limit)
            if not found and dead:
                raise Failure("the processor stopped for good before %r was on the %s" %
                              (pattern, what))
            if not found and now > end:
                raise Failure("%r is not on the %s at %.1f s" % (pattern, what, now))
            if not found and time.monotonic() > self.deadline:
                raise Failure("%r is not on the %s after %d s of this host's time" %
                              (pattern, what, PATIENCE))
            if not found:
                time.sleep(0.02)
        return found

    def wait_screen(self, pattern, limit=None):
        return self._wait(self.screen, "screen", pattern, limit)

    def wait_serial(self, pattern, limit=None):
        return self._wait(self.serial, "serial line", pattern, limit)

    def sleep(self, seconds):
        """At least so much guest time."""
        end = self.now() + seconds
        while self.now() < end:
            time.sleep(0.002)

    # ---- what is typed ---------------------------------------------------------------------------
    def key(self, name, hold=20):
        """Returns when the key is up again: two alike at once would be one."""
        self.monitor("sendkey %s %d" % (name, hold))
        self.sleep(hold / 1000 + 0.01)

    def type(self, text):
        for character in text:
            self.key(key_of(character))

    def send(self, text):
        """Types on the serial line."""
        self.serial_socket.settimeout(PATIENCE)
        self.serial_socket.sendall(text.encode())

    def quit(self):
        try:
            self.monitor("quit")
        except EOFError:
            pass

    # ---- the end ---------------------------------------------------------------------------------
    def exit_code(self):
        """Waits for the end."""
        while self.process.poll() is None:
            self.serial()
            if time.monotonic() > self.deadline:
                raise Failure("it does not end")
            time.sleep(0.02)
        return self.process.returncode

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read()

    def show(self):
        if self.process.poll() is None:
            try:
                self.screen()
                print("---- " + self.monitor("info status").strip())
                print("\n".join(r for r in self.monitor("info registers").split("\n")
                                if r[:3] in ("RIP", "CS ", "SS ", "CR0")))
            except (EOFError, OSError):
                pass
        print("---- command: " + " ".join("'%s'" % a if " " in a else a for a in self.args))
        print("---- screen\n" + re.sub(r"\n+$", "", self.last_screen))
        print("---- serial line (end)\n" + self.serial()[-3000:])
        print("---- log (end)\n" + self.log_text()[-3000:])
        print("---- messages (end)\n" + self.error_text()[-3000:])
        if self.process.poll() is not None:
            print("---- exit code %d" % self.process.returncode)

    def log_text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind and hasattr(self, "serial_socket"):
            self.show()
        elif kind:
            print(self.error_text())
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for name in ("monitor_socket", "serial_socket"):
            if hasattr(self, name):
                getattr(self, name).close()
        self.errors.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def run(*args, timeout=PATIENCE, **options):
    """vitro from start to end: (exit code, all that it printed)."""
    p = subprocess.run([vitro, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=timeout, **options)
    return p.returncode, p.stdout.decode("utf-8", "replace")


def check(condition, what):
    if not condition:
        raise Failure(what)


def equal(got, wanted, what):
    check(got == wanted, "%s: %r, should be %r" % (what, got, wanted))


def main(tests):
    """tests: the globals() of a test program, whose functions test_* are the tests."""
    global vitro
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    others.update(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--") and "=" in a)
    if not words:
        print(__doc__)
        sys.exit(2)
    vitro = os.path.abspath(words[0])
    names = words[1:] or [n[5:] for n in tests if n.startswith("test_")]
    failed = skipped = 0
    for name in names:
        start = time.monotonic()
        try:
            tests["test_" + name.replace("-", "_")]()
            result = "passed"
        except Skip as reason:
            result, skipped = "SKIPPED: %s" % reason, skipped + 1
        except (Failure, AssertionError, EOFError, OSError, subprocess.SubprocessError) as why:
            if not isinstance(why, Failure):
                traceback.print_exc()
            result, failed = "FAILED: %s" % (why or type(why).__name__), failed + 1
        print("%s: %s (%.1f s)" % (name, result, time.monotonic() - start), flush=True)
    sys.exit(1 if failed else 77 if skipped == len(names) else 0)

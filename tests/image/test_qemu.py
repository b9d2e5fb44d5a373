#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Disk images between Vitro and qemu-img: what one writes the other must read.

    test_qemu.py VITRO-IMG IMAGE-WRITER [TEST ...]      exit code 77: no qemu-img here
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

# our name, QEMU's name, options of qemu-img create and of vitro-img create
FORMATS = [
    ("raw", "raw", "", ""),
    ("qcow2", "qcow2", "", ""),
    ("qcow2", "qcow2", "compat=0.10", "compat=0.10"),
    ("qcow2", "qcow2", "cluster_size=512", "cluster_size=512"),
    ("qcow2", "qcow2", "cluster_size=2M", "cluster_size=2M"),
    ("qcow2", "qcow2", "refcount_bits=1", ""),
    ("qcow2", "qcow2", "refcount_bits=64,cluster_size=1k", "cluster_size=1k"),
    ("qcow2", "qcow2", "lazy_refcounts=on", ""),
    ("qcow2", "qcow2", "preallocation=metadata", ""),
    ("vhd", "vpc", "force_size=on", ""),
    ("vhd", "vpc", "subformat=fixed,force_size=on", "subformat=fixed"),
    ("vmdk", "vmdk", "", ""),
    ("vmdk", "vmdk", "subformat=monolithicFlat", "subformat=monolithicFlat"),
    ("vmdk", "vmdk", "subformat=twoGbMaxExtentFlat", "subformat=monolithicFlat"),
    ("vmdk", "vmdk", "subformat=twoGbMaxExtentSparse", ""),
    ("vdi", "vdi", "", ""),
    ("vdi", "vdi", "static=on", "static=on"),
]
CHECKED = ("qcow2", "vdi")             # qemu-img check knows them; vmdk: too, with less to say
img = writer = None


def run(*args, codes=(0,)):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = p.stdout.decode("utf-8", "replace")
    if p.returncode not in codes:
        raise AssertionError("%s: exit code %d\n%s" % (" ".join(args), p.returncode, text))
    return text


def qemu(*args, **options):
    return run("qemu-img", *args, **options)


def options(text):
    return ["-o", text] if text else []


def random_file(path, megabytes, seed):
    """Data, holes, zeroes."""
    dice = random.Random(seed)
    with open(path, "wb") as f:
        f.truncate(megabytes << 20)
        for _ in range(megabytes * 2):
            f.seek(dice.randrange(megabytes << 11) * 512)
            size = min(dice.choice((512, 4096, 65536, 300000)) // 512 * 512,
                       (megabytes << 20) - f.tell())
            f.write(dice.choice((dice.randbytes(size), bytes(size),
                                 dice.randbytes(64) * (size // 64))))


def same(image, qemu_format, raw):
    qemu("compare", "-f", qemu_format, "-F", "raw", image, raw)
    if qemu_format in CHECKED:
        qemu("check", "-f", qemu_format, image)


def each_format():
    for number, row in enumerate(FORMATS):
        with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
            yield number, row, lambda name: os.path.join(folder, name)


def test_write():
    """Made by either, written by us at random: QEMU finds the contents of the raw file."""
    for number, (ours, theirs, their_options, our_options), name in each_format():
        for maker in ("qemu", "vitro"):
            image, raw = name("%s.%s" % (maker, ours)), name(maker + ".model")
            if maker == "qemu":
                qemu("create", "-q", "-f", theirs, *options(their_options), image, "24M")
            else:
                run(img, "create", "-q", "-f", ours, *options(our_options), image, "24M")
            run("truncate", "-s", "24M", raw)
            run(writer, image, ours, raw, str(number + 1), "400")
            same(image, theirs, raw)
            run(img, "check", "-q", "-f", ours, image, codes=(63,) if ours == "raw" else (0,))
            run(img, "compare", "-q", "-f", ours, "-F", "raw", image, raw)


def test_read():
    """Converted by qemu-img, read by us; converted by us, read by QEMU."""
    for number, (ours, theirs, their_options, our_options), name in each_format():
        raw, image, mine = name("source"), name("a." + ours), name("b." + ours)
        random_file(raw, 20, number)
        qemu("convert", "-f", "raw", "-O", theirs, *options(their_options), raw, image)
        run(img, "compare", "-s", "-q", "-f", ours, "-F", "raw", image, raw)
        run(img, "check", "-q", "-f", ours, image, codes=(63,) if ours == "raw" else (0,))
        run(img, "convert", "-q", "-f", "raw", "-O", ours, *options(our_options), raw, mine)
        same(mine, theirs, raw)
        run(img, "convert", "-q", "-f", ours, "-O", "raw", mine, name("back"))
        run("cmp", raw, name("back"))


def test_compressed():
    """Compressed clusters of both, then written over."""
    for size in ("512", "4k", "64k", "2M"):
        with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
            raw, theirs, ours = (os.path.join(folder, n)
                                 for n in ("raw", "theirs.qcow2", "ours.qcow2"))
            random_file(raw, 12, 7)
            qemu("convert", "-c", "-O", "qcow2", "-o", "cluster_size=" + size, raw, theirs)
            run(img, "convert", "-q", "-c", "-o", "cluster_size=" + size, raw, ours)
            if size == "64k":
                assert os.stat(ours).st_size < os.stat(raw).st_size, "nothing was compressed"
            for image in (theirs, ours):
                same(image, "qcow2", raw)
                run(img, "compare", "-s", "-q", "-F", "raw", image, raw)
                model = image + ".model"
                shutil.copy(raw, model)
                run(writer, image, "qcow2", model, "5", "300")
                same(image, "qcow2", model)


def test_extents():
    """More than one file of 2 GB."""
    for kind in ("twoGbMaxExtentFlat", "twoGbMaxExtentSparse"):
        with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
            image, model = os.path.join(folder, "a.vmdk"), os.path.join(folder, "model")
            qemu("create", "-q", "-f", "vmdk", "-o", "subformat=" + kind, image, "2080M")
            run("truncate", "-s", "2080M", model)
            run(writer, image, "vmdk", model, "9", "300")
            same(image, "vmdk", model)
            assert len(os.listdir(folder)) == 4, os.listdir(folder)


def test_stream():
    """streamOptimized is read; writes go elsewhere."""
    with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
        raw, image = os.path.join(folder, "raw"), os.path.join(folder, "a.vmdk")
        random_file(raw, 12, 11)
        qemu("convert", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, image)
        assert os.stat(image).st_size < os.stat(raw).st_size * 9 // 10, "nothing was compressed"
        run(img, "compare", "-s", "-q", "-F", "raw", image, raw)
        run(img, "check", "-q", image)
        assert "can only be read" in run(img, "resize", image, "+1M", codes=(1,))
        run(img, "create", "-q", "-b", image, os.path.join(folder, "over.qcow2"))
        run(writer, os.path.join(folder, "over.qcow2"), "qcow2", raw, "3", "100")
        same(os.path.join(folder, "over.qcow2"), "qcow2", raw)


def test_overlay():
    """Three files high: the bases stay as they are; commit moves the changes down."""
    with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
        raw, middle, top, model = (os.path.join(folder, n)
                                   for n in ("raw.img", "middle.qcow2", "top.qcow2", "model"))
        random_file(raw, 10, 3)
        shutil.copy(raw, model)
        run(img, "create", "-q", "-b", "raw.img", middle)
        run(writer, middle, "qcow2", model, "1", "200")
        same(middle, "qcow2", model)
        before = open(raw, "rb").read(), open(middle, "rb").read()
        qemu("create", "-q", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2", top, "14M")
        run("truncate", "-s", "14M", model)
        run(writer, top, "qcow2", model, "2", "200")
        same(top, "qcow2", model)
        assert before == (open(raw, "rb").read(), open(middle, "rb").read()), "a base has changed"
        run(img, "commit", "-q", top)
        same(middle, "qcow2", model)
        same(top, "qcow2", model)
        assert before[0] == open(raw, "rb").read(), "commit went too deep"
        run(img, "commit", "-q", middle)
        qemu("compare", "-f", "raw", "-F", "raw", raw, model)


def test_resize():
    with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
        for size in ("512", "64k"):
            image, model = (os.path.join(folder, size + n) for n in (".qcow2", ".model"))
            qemu("create", "-q", "-f", "qcow2", "-o", "cluster_size=" + size, image, "3M")
            run("truncate", "-s", "3M", model)
            run(writer, image, "qcow2", model, "1", "50")
            run(img, "resize", "-q", image, "+30M")
            run("truncate", "-s", "33M", model)
            run(writer, image, "qcow2", model, "2", "300")
            same(image, "qcow2", model)
            run(img, "resize", "-q", image, "1M", codes=(1,))
            # Cut off, in the midst of a cluster, too; what was there is gone.
            for shorter in ("17M", "2047K"):
                run(img, "resize", "-q", "--shrink", image, shorter)
                run("truncate", "-s", shorter, model)
                same(image, "qcow2", model)
                run(img, "check", "-q", image)
                run(img, "resize", "-q", image, "20M")
                run("truncate", "-s", "20M", model)
                same(image, "qcow2", model)
            run(writer, image, "qcow2", model, "3", "100")
            same(image, "qcow2", model)


def test_check():
    """What QEMU calls leaked or damaged, we do, too; leaks can be repaired."""
    with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
        image, model = os.path.join(folder, "a.qcow2"), os.path.join(folder, "model")
        run(img, "create", "-q", image, "8M")
        run("truncate", "-s", "8M", model)
        run(writer, image, "qcow2", model, "1", "50")
        good = open(image, "rb").read()
        block = int.from_bytes(good[65536:65544], "big")
        used = block + 2 * (len(good) // 65536 - 1)
        for at, value, code in ((used + 20, b"\0\1", 3), (used, b"\0\0", 2)):
            with open(image, "r+b") as f:
                f.write(good)
                f.truncate(len(good) + 65536 * 12)
                f.seek(at)
                f.write(value)
            qemu("check", image, codes=(code,))
            run(img, "check", image, codes=(code,))
            if code == 2:                  # leaks are not what is wrong here
                run(img, "check", "-r", "leaks", image, codes=(2,))
            run(img, "check", "-r", "all", image)
            same(image, "qcow2", model)
        # two entries of one table with one cluster, each of them calling it its own
        l1 = int.from_bytes(good[40:48], "big")
        table = int.from_bytes(good[l1:l1 + 8], "big") & 0xFFFFFFFFFFFE00
        first = next(at for at in range(table, table + 65536, 8) if any(good[at:at + 8]))
        with open(image, "r+b") as f:
            f.write(good)
            f.truncate(len(good))
            f.seek(table + 8 * 1000)       # behind the disk's end
            f.write(good[first:first + 8])
        qemu("check", image, codes=(2,))
        run(img, "check", image, codes=(2,))
        run(img, "check", "-r", "all", image)
        same(image, "qcow2", model)
        qemu("snapshot", "-c", "one", image)
        run(img, "check", image, codes=(1,))
        run(img, "check", "-r", "all", image, codes=(1,))
        qemu("check", image)


def test_folder():
    """A folder as FAT16 and, with more names in it, FAT32:
    fsck.fat finds it sound, mtools read every file."""
    if not shutil.which("mcopy") or not shutil.which("fsck.fat"):
        print("no mtools or dosfstools (Debian: apt-get install mtools dosfstools)")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="vitro-image-") as folder:
        source, disk, part, back = (os.path.join(folder, n)
                                    for n in ("source", "disk", "part", "back"))
        os.makedirs(os.path.join(source, "Sub folder", "deep"))
        os.mkdir(os.path.join(source, "empty"))
        dice = random.Random(4)
        for count, prefix in ((60, "Sub folder/a long name number "),
                              (3, "Sub folder/deep/\u00e4\u20ac"), (2, "SHORT"),
                              (600, "in the root, one of many ")):
            for n in range(count):
                with open(os.path.join(source, "%s%d.txt" % (prefix, n)), "wb") as f:
                    f.write(dice.randbytes(dice.choice((0, 1, 511, 512, 8192, 70000))))
            os.path.exists(disk) and os.unlink(disk)
            run(img, "convert", "-q", "-f", "fat", "-O", "raw", source, disk)
            run("dd", "if=" + disk, "of=" + part, "bs=512", "skip=63", "conv=sparse", "status=none")
            run("fsck.fat", "-n", part)
            os.mkdir(back)
            env = dict(os.environ, MTOOLS_SKIP_CHECK="1", LC_ALL="C.UTF-8")
            subprocess.run(["mcopy", "-s", "-i", part, "::/", back], env=env, check=True)
            run("diff", "-r", source, back)
            shutil.rmtree(back)


def main():
    global img, writer
    img, writer = (os.path.abspath(p) for p in sys.argv[1:3])
    if not shutil.which("qemu-img"):
        print("SKIPPED: qemu-img is not installed (Debian: apt-get install qemu-utils)")
        sys.exit(77)
    names = sys.argv[3:] or [n[5:] for n in globals() if n.startswith("test_")]
    for one in names:
        globals()["test_" + one]()
        print("%s: passed" % one)


if __name__ == "__main__":
    main()

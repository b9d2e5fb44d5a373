#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""vitro-img as somebody uses it who knows qemu-img: what is right works, what is wrong is one line
on stderr.

    test_words.py VITRO-IMG
"""
import json
import os
import subprocess
import sys
import tempfile

# command, exit code, what stdout or the one line of stderr has in it
WORDS = [
    ("create a.img 10M", 0, "10485760"),
    ("create -f qcow2 a.qcow2 64M", 0, "qcow2"),
    ("create -f qcow2 -o preallocation=off,lazy_refcounts=off,refcount_bits=16,"
     "compression_type=zlib b.qcow2 1M", 0, ""),
    ("create -f raw -o preallocation=full full.img 1M", 0, ""),
    ("create -q -b a.img -F raw over.qcow2", 0, ""),
    ("create -u -b nowhere.img -F raw -f qcow2 blind.qcow2 1M", 0, ""),
    ("create s.img 1.5M", 0, "1572864"),
    ("create -f qcow2 -o help", 0, "cluster_size"),
    ("create x.img", 1, "how large"),
    ("create -f qcow2 x.img 17T", 1, "16 TiB"),
    ("create x.img 10X", 1, "not a size"),
    ("create x.img -5", 1, "not a size"),
    ("create x.img 1E", 1, "16 TiB"),
    ("create no/such/x.qcow2 1M", 1, "No such file"),
    ("create -b nowhere.img x.qcow2", 1, "no such file"),
    ("create -b a.img -f raw x.img", 1, "have no base"),
    ("create -f bogus x.img 1M", 1, "no such format"),
    ("create -f qcow2 -o cluster_size=3 x.qcow2 1M", 1, "power of two"),
    ("create -f qcow2 -o encryption=on x.qcow2 1M", 2, "not known"),
    ("create -f vhd x.vhd 3T", 1, "2040 GiB"),
    ("create -f vhd -o block_size=1000 x.img 1M", 1, "power of two"),
    ("create -f vdi -o block_size=3k x.img 1M", 1, "power of two"),
    ("create -f vmdk -o cluster_size=8k x.img 1M", 1, "vmdk images have no cluster_size="),
    ("create -o cluster_size=4k x.img 1M", 1, "raw images have no cluster_size="),
    ("create -o subformat=fixed x.img 1M", 1, "raw images have no subformat="),
    ("create -f vdi -o compat=1.1 x.img 1M", 1, "vdi images have no compat="),
    ("create -f qcow2 -o preallocation=full x.img 1M", 1, "qcow2 images have no preallocation="),
    ("convert -O vhd -o compat=1.1 a.img x.img", 1, "vhd images have no compat="),
    ("create odd.qcow2 1000", 0, "1024 bytes"),
    ("info odd.qcow2", 0, "(1024 bytes)"),
    ("create", 2, "usage"),
    ("info a.qcow2", 0, "virtual size: 64 MiB (67108864 bytes)"),
    ("info -U --output=human a.qcow2", 0, "cluster_size: 65536"),
    ("info --output=json over.qcow2", 0, '"backing-filename": "a.img"'),
    ("info --backing-chain over.qcow2", 0, "image: a.img"),
    ("info blind.qcow2", 0, "backing file: nowhere.img"),
    ("info --backing-chain blind.qcow2", 1, "no such file"),
    ("info --output=yaml a.qcow2", 2, "human or json"),
    ("info -f qcow2 a.img", 1, "not a qcow2"),
    ("info -f bogus a.img", 1, "not supported"),
    ("info nowhere.img", 1, "no such file"),
    ("info .", 1, "directory"),
    ("info --nope a.img", 2, "no option --nope"),
    ("info -f", 2, "missing after -f"),
    ("check a.qcow2", 0, "No errors"),
    ("check --output=json a.qcow2", 0, '"corruptions": 0'),
    ("check -r all a.qcow2", 0, "No errors"),
    ("check -r everything a.qcow2", 2, "leaks or all"),
    ("check a.img", 63, "nothing to check"),
    ("convert -p -t none -T none -m 4 -W -O qcow2 a.img c.qcow2", 0, "(100.00/100%)"),
    ("convert -q -p -O qcow2 a.img c.qcow2", 0, ""),
    ("convert -c -O qcow2 a.img c.qcow2", 0, ""),
    ("convert -O vpc a.img c.vpc", 0, ""),
    ("convert -n -O raw c.qcow2 full.img", 1, "shorter"),
    ("convert -n c.qcow2 a.img", 0, ""),
    ("convert -n c.qcow2 nowhere.img", 1, "no such file"),
    ("convert -O raw a.img a.img", 1, "in use"),
    ("convert -O bogus a.img x", 1, "no such format"),
    ("convert -c -O raw a.img x.img", 1, "not compressed"),
    ("convert a.img", 2, "missing"),
    ("convert a.img b.img c.img", 2, "too much"),
    ("commit over.qcow2", 0, "committed"),
    ("commit a.qcow2", 1, "no base"),
    ("compare a.img c.qcow2", 0, "identical"),
    ("compare a.img full.img", 0, "size mismatch"),
    ("compare -p a.img c.qcow2", 0, "(100.00/100%)"),
    ("commit -p over.qcow2", 0, "(100.00/100%)"),
    ("compare -s a.img full.img", 1, "size mismatch"),
    ("compare a.img nowhere.img", 2, "no such file"),
    ("resize a.img +2M", 0, "resized"),
    ("resize a.img -4M", 1, "--shrink"),
    ("resize --shrink a.img -4M", 0, "resized"),
    ("resize a.img --shrink -1M", 0, "resized"),
    ("resize a.img 7M", 0, "resized"),
    ("resize a.qcow2 +1G", 0, "resized"),
    ("resize a.qcow2 17T", 1, "16 TiB"),
    ("resize a.qcow2 1M", 1, "--shrink"),
    ("resize --shrink a.qcow2 1M", 0, "resized"),
    ("resize --shrink c.vpc 1M", 1, "convert"),
    ("resize c.vpc +1M", 1, "convert"),
    ("resize a.img much", 1, "not a size"),
    ("resize a.img -100M", 1, "not a size"),
    ("resize a.img", 2, "missing"),
    ("snapshot -l a.qcow2", 2, "no such command"),
    ("--version", 0, "vitro-img"),
    ("--help", 0, "resize"),
]


def check_commit(img, folder):
    """The emptied overlay is the old file to everybody else: its mode, its links, its clusters."""
    def run(words):
        return subprocess.check_output([img, *words.split()], cwd=folder).decode()

    overlay, link = os.path.join(folder, "own.qcow2"), os.path.join(folder, "link.qcow2")
    run("create -q base.img 1M")
    run("create -q -b base.img -F raw -o cluster_size=4k,compat=0.10 own.qcow2")
    os.chmod(overlay, 0o600)
    os.symlink("own.qcow2", link)
    run("commit -q link.qcow2")
    assert os.path.islink(link), "the link was replaced"
    assert os.stat(overlay).st_mode & 0o777 == 0o600, oct(os.stat(overlay).st_mode)
    info = json.loads(run("info --output=json own.qcow2"))
    assert info["cluster-size"] == 4096 and "0.10" in info["format-specific"], info
    assert info["backing-filename"] == "base.img" and info["dirty-flag"] is False, info
    run("create -q dirty.qcow2 1M")
    with open(os.path.join(folder, "dirty.qcow2"), "r+b") as f:
        f.seek(79)
        f.write(bytes([1]))
    assert json.loads(run("info --output=json dirty.qcow2"))["dirty-flag"] is True


def main():
    img = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="vitro-words-") as folder:
        for words, code, wanted in WORDS:
            p = subprocess.run([img, *words.split()], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
            out, err = p.stdout.decode(), p.stderr.decode()
            what = "vitro-img %s: exit code %d\n%s%s" % (words, p.returncode, out, err)
            assert p.returncode == code, what
            assert wanted in out + err, what
            assert (code in (0, 1) and not err.strip("\n") or err.count("\n") == 1 or
                    "-p" in words), "lines: " + what
            assert not os.path.exists(os.path.join(folder, "x.img")), "left behind: " + what
        for words in ("info --output=json over.qcow2",
                      "info --output=json --backing-chain over.qcow2",
                      "check --output=json a.qcow2"):
            json.loads(subprocess.check_output([img, *words.split()], cwd=folder))
        check_commit(img, folder)
        header = open(os.path.join(folder, "odd.qcow2"), "rb").read(32)
        assert int.from_bytes(header[24:32], "big") == 1024, header
        size = os.stat(os.path.join(folder, "a.img")).st_size
        assert size == 7 << 20, size
    print("words: %d passed" % len(WORDS))


if __name__ == "__main__":
    main()

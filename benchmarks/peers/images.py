"""Guest disks that look like guests: a file system's files, data that is compressed already,
random bytes, zeros written out, and room that was never written."""

import os
import random
import subprocess
import zlib
from pathlib import Path

BLOCK = 1 << 20

# Parts of the written data; the rest of the disk is a hole. Together they deflate to about two
# thirds, as the disks of servers in use do.
PARTS = (("files", 0.50), ("compressed", 0.25), ("random", 0.15), ("zeros", 0.10))


def tree_bytes(root):
    """The contents of the files below `root`, one behind the other, in a fixed order."""
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                try:
                    yield path.read_bytes()
                except OSError:
                    continue


def blocks_of_files(root):
    """Blocks cut from the tree; it begins again when it is used up."""
    pending = bytearray()
    while True:
        for content in tree_bytes(root):
            pending += content
            while len(pending) >= BLOCK:
                yield bytes(pending[:BLOCK])
                del pending[:BLOCK]


def make_guest(path, size, data, seed=1, tree="/usr"):
    """A raw disk of `size` bytes of which `data` bytes are written, in runs of 1 to 16 MiB."""
    rng = random.Random(seed)
    files = blocks_of_files(tree)
    plain = {
        "files": lambda: next(files),
        # A stream repeated would compress again: one stream a block, filled up at random.
        "compressed": lambda: _filled(zlib.compress(next(files), 6), rng),
        "random": lambda: rng.randbytes(BLOCK),
        "zeros": lambda: bytes(BLOCK),
    }
    names, weights = zip(*PARTS)
    slots = list(range(size // BLOCK))
    wanted = data // BLOCK
    chosen = set()
    while len(chosen) < wanted:
        start = rng.choice(slots)
        chosen.update(range(start, min(start + rng.randint(1, 16), len(slots))))
    chosen = sorted(chosen)[:wanted]
    with open(path, "wb") as disk:
        disk.truncate(size)
        for slot in chosen:
            disk.seek(slot * BLOCK)
            disk.write(plain[rng.choices(names, weights)[0]]())


def _filled(stream, rng):
    return (stream + rng.randbytes(max(0, BLOCK - len(stream))))[:BLOCK]


def qemu_img(*arguments):
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def make_sources(folder, size, data):
    """The guest in each source form that the paths need, made by qemu-img once."""
    folder = Path(folder)
    raw = folder / "guest.raw"
    make_guest(raw, size, data)
    sources = {"raw": raw}
    for name, arguments in {
        "stream": ("-O", "vmdk", "-o", "subformat=streamOptimized"),
        "sparse": ("-O", "vmdk", "-o", "subformat=monolithicSparse"),
        "qcow2c": ("-c", "-O", "qcow2", "-W", "-m", "16"),
    }.items():
        sources[name] = folder / f"guest-{name}"
        qemu_img("convert", "-f", "raw", *arguments, raw, sources[name])
    return sources


def make_huge(folder, vmlift):
    """Nearly empty disks of 62 TiB, made by the command `vmlift`: qemu-img's VMDKs end at 2 TiB."""
    folder = Path(folder)
    raw = folder / "huge.raw"
    with open(raw, "wb") as disk:
        disk.truncate(62 << 40)
        for part in range(64):
            disk.seek((62 << 40) // 64 * part)
            disk.write(b"data" * 16384)
    made = {}
    for target_format in ("qcow2", "vmdk"):
        made[f"huge-{target_format}"] = folder / f"huge.{target_format}"
        subprocess.run([*vmlift, "convert", "-q", "-f", "raw", "-O", target_format, raw,
                        made[f"huge-{target_format}"]], check=True)
    raw.unlink()
    return made


def runs_of_data(raw):
    """(start, end) of what is written on the disk `raw`."""
    with open(raw, "rb") as disk:
        at, end = 0, disk.seek(0, os.SEEK_END)
        while at < end:
            try:
                at = os.lseek(disk.fileno(), at, os.SEEK_DATA)
            except OSError:  # no more data
                return
            hole = os.lseek(disk.fileno(), at, os.SEEK_HOLE)
            yield at, hole
            at = hole


def written(raw):
    return sum(end - start for start, end in runs_of_data(raw))


def make_sample(raw, size):
    """`size` bytes of what is written on the disk `raw`, drawn evenly from all of it."""
    blocks = [block for start, end in runs_of_data(raw) for block in range(start, end, BLOCK)]
    wanted = min(size // BLOCK, len(blocks))
    sample = Path(raw).with_suffix(".sample")
    with open(raw, "rb") as disk, open(sample, "wb") as file:
        for turn in range(wanted):
            disk.seek(blocks[len(blocks) * turn // wanted])
            file.write(disk.read(BLOCK))
    return sample

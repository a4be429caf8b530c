#!/usr/bin/env python3
"""Compresses the files of a built site beforehand: FILE.br and FILE.gz beside each FILE worth it.

    assemble.py build/site [--quiet]

Only files that changed are compressed again; compressed files whose original is gone are removed.
"""
import argparse
import gzip
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMPRESSIBLE = {".html", ".css", ".js", ".mjs", ".json", ".map", ".wasm", ".svg", ".ttf", ".txt", ".md", ".xml",
                ".webmanifest", ".safetensors", ".bin", ".ico"}
SMALLEST = 400  # below, the headers outweigh the gain


def system_brotli(file, target):
    subprocess.run(["brotli", "--quality=11", "--lgwin=24", "--force", "--no-copy-stat", f"--output={target}", str(file)], check=True)


def module_brotli(file, target):
    import brotli
    target.write_bytes(brotli.compress(file.read_bytes(), quality=11, lgwin=24))


def find_brotli():
    if shutil.which("brotli"):
        return system_brotli
    try:
        import brotli  # noqa: F401
        return module_brotli
    except ImportError:
        print("note: no brotli here (Debian package brotli); gzip only", file=sys.stderr)
        return None


def zip_into(file, target):
    # No name and no time inside: the same bytes from the same file.
    with open(target, "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        packed.write(file.read_bytes())


def up_to_date(target, file):
    """A compressed file carries the very time of its original: an older original put in its place counts as a change."""
    return target.is_file() and target.stat().st_mtime_ns == file.stat().st_mtime_ns


def compress(file, target, how):
    """Writes target unless it is fresh; one that would not be smaller is left out."""
    if how is None or up_to_date(target, file):
        return False
    temporary = target.with_name(target.name + ".new")
    how(file, temporary)
    if temporary.stat().st_size >= file.stat().st_size:
        temporary.unlink()
        target.unlink(missing_ok=True)
        return False
    shutil.copymode(file, temporary)  # brotli's own files are for nobody but their maker
    modified = file.stat().st_mtime_ns
    os.utime(temporary, ns=(modified, modified))
    os.replace(temporary, target)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("--quiet", action="store_true", help="say only what was done, not every file")
    arguments = parser.parse_args()
    if not arguments.site.is_dir():
        sys.exit(f"error: {arguments.site} is not a folder.\n  Build the page first: ./run build web")

    files = []
    for path in sorted(p for p in arguments.site.rglob("*") if p.is_file()):
        if path.suffix in (".br", ".gz") and path.with_suffix("").suffix in COMPRESSIBLE:
            if not path.with_suffix("").is_file():
                path.unlink()
        elif path.suffix == ".new":
            path.unlink()
        elif path.suffix in COMPRESSIBLE and path.stat().st_size >= SMALLEST:
            files.append(path)

    brotli = find_brotli()
    jobs = [(f, f.with_name(f.name + ".br"), brotli) for f in files] + [(f, f.with_name(f.name + ".gz"), zip_into) for f in files]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        changed = sum(pool.map(lambda job: compress(*job), jobs))

    def size(path, otherwise):
        return path.stat().st_size if path.is_file() else otherwise

    totals = [0, 0, 0]
    for file in files:
        raw = file.stat().st_size
        sizes = [raw, size(file.with_name(file.name + ".gz"), raw), size(file.with_name(file.name + ".br"), raw)]
        totals = [a + b for a, b in zip(totals, sizes)]
        if not arguments.quiet:
            print(f"{str(file.relative_to(arguments.site)):44} " + " ".join(f"{s / 1000:9.1f}" for s in sizes))
    if changed or not arguments.quiet:
        print(f"{'all, in kB: as it is, gzip, brotli':44} " + " ".join(f"{s / 1000:9.1f}" for s in totals)
              + (f"   ({changed} compressed)" if changed else ""))


if __name__ == "__main__":
    main()

"""Pen strokes as pictures with the faults that pictures of paper have. Needs numpy (Debian: python3-numpy)."""
import gzip
import json
import math
import pathlib
import random
import struct
import zlib

import numpy

WRITERS_SEED = 5  # which half of the writers is which
KINDS = ("plain", "light", "shadow", "gradient", "vignette", "table", "frame", "specks", "ruled", "squared", "thin", "off_center_28")


def read_digits(folder):
    """The digits of the writers that the search for digits was not tuned on: every second writer of the public strokes."""
    file = next(path for name in ("dev.jsonl.gz", "dev.jsonl") if (path := pathlib.Path(folder, name)).exists())
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        digits = [json.loads(line) for line in lines]
    writers = sorted({digit["writer"] for digit in digits})
    random.Random(WRITERS_SEED).shuffle(writers)
    judged = set(writers[len(writers) // 2:])
    return [digit for digit in digits if digit["writer"] in judged]


def png(values):
    """A gray PNG of values from 0 to 1 (height, width)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (numpy.clip(values, 0, 1) * 255 + 0.5).astype("u1")
    height, width = rows.shape
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(data, 1)) + chunk(b"IEND", b""))


def drawn(strokes, side, height, center, thickness):
    """Ink, 0 to 1, of strokes whose longer side becomes `height` of `side`, with the middle of their box at `center` (shares of the side)."""
    points = numpy.concatenate([numpy.array(stroke, float) for stroke in strokes if stroke])
    low, high = points.min(0), points.max(0)
    scale = height * side / max(max(high - low), 1e-9)
    offset = numpy.array(center) * side - (low + high) / 2 * scale
    distance = numpy.full((side, side), 1e9)
    for stroke in strokes:
        line = numpy.array(stroke, float) * scale + offset
        if len(line) == 1:
            line = numpy.vstack([line, line + 0.01])
        for a, b in zip(line[:-1], line[1:]):
            reach = thickness / 2 + 2
            x0, y0 = (max(0, int(v)) for v in numpy.minimum(a, b) - reach)
            x1, y1 = (min(side, int(v) + 1) for v in numpy.maximum(a, b) + reach)
            if x1 <= x0 or y1 <= y0:
                continue
            y, x = numpy.mgrid[y0:y1, x0:x1]
            along = numpy.clip(((x - a[0]) * (b - a)[0] + (y - a[1]) * (b - a)[1]) / max((b - a) @ (b - a), 1e-9), 0, 1)
            near = numpy.hypot(x - a[0] - along * (b - a)[0], y - a[1] - along * (b - a)[1])
            distance[y0:y1, x0:x1] = numpy.minimum(distance[y0:y1, x0:x1], near)
    return numpy.clip(thickness / 2 + 0.5 - distance, 0, 1)


def ruled(paper, rng, squared):
    side = len(paper)
    y, x = numpy.mgrid[0:side, 0:side]
    step, width, slope, phase = rng.uniform(0.06, 0.13) * side, max(1, rng.uniform(0.002, 0.006) * side), rng.uniform(-0.04, 0.04), rng.random()

    def lines(across):
        return numpy.clip(width / 2 + 0.5 - abs((across / step + phase) % 1 - 0.5) * step, 0, 1)

    ink = lines(y + slope * x)
    if squared:
        ink = numpy.maximum(ink, lines(x - slope * y))
    return paper * (1 - ink * (1 - rng.uniform(0.45, 0.8)))


def light_of(kind, side, rng):
    y, x = numpy.mgrid[0:side, 0:side] / side - 0.5
    angle = rng.uniform(0, 2 * math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    if kind == "shadow":  # takes 40% of the light, with a hard edge or a soft one
        return 1 - 0.4 / (1 + numpy.exp(numpy.clip(-(along - rng.uniform(-0.2, 0.2)) / rng.choice([0.003, 0.02, 0.1]), -50, 50)))
    if kind == "gradient":
        return 1 - 0.5 * numpy.clip(along + 0.5, 0, 1)
    if kind == "vignette":
        return 1 - rng.uniform(0.4, 0.6) * numpy.clip((x * x + y * y) / 0.5, 0, 1)
    return numpy.ones((side, side))


def add_table(picture, rng):
    """A dark strip along one side."""
    side = len(picture)
    y, x = numpy.mgrid[0:side, 0:side] / side
    width, slope = rng.uniform(0.05, 0.12), rng.uniform(-0.05, 0.05)
    strip = rng.choice([x + slope * y, 1 - x + slope * y, y + slope * x, 1 - y + slope * x]) < width
    return numpy.where(strip, rng.uniform(0.05, 0.35), picture)


def add_frame(picture, rng):
    side = len(picture)
    margin, width, ink = int(rng.uniform(0.02, 0.1) * side), max(1, int(rng.uniform(0.003, 0.015) * side)), rng.uniform(0, 0.3)
    inner = slice(margin, side - margin)
    for low in (margin, side - margin - width):
        picture[low:low + width, inner] = ink
        picture[inner, low:low + width] = ink
    return picture


def add_specks(picture, rng, center, ink):
    side = len(picture)
    y, x = numpy.mgrid[0:side, 0:side]
    for _ in range(2):
        place = center
        while max(abs(place[0] - center[0]), abs(place[1] - center[1])) < 0.2:
            place = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.95)
        speck = numpy.clip(rng.uniform(0.005, 0.015) * side + 0.5 - numpy.hypot(x - place[0] * side, y - place[1] * side), 0, 1)
        picture = picture * (1 - speck) + ink * speck
    return picture


def picture_of(digit, kind, seed):
    """A picture (height, width) of the digit with the fault, values 0 to 1."""
    rng = random.Random(seed)
    side = rng.choice([200, 300, 400, 600])
    height = rng.uniform(0.35, 0.7)
    center = rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.6)
    thickness = height * side * rng.uniform(0.05, 0.13)
    if kind == "specks":
        height, thickness = 0.2, max(1.5, 0.2 * side * rng.uniform(0.05, 0.13))
    elif kind == "table":  # it must not lie under the digit
        height, center = rng.uniform(0.35, 0.5), (0.5, 0.5)
        thickness = height * side * rng.uniform(0.05, 0.1)
    elif kind == "frame":
        height = rng.uniform(0.35, 0.6)
        thickness = height * side * rng.uniform(0.05, 0.13)
    elif kind == "thin":
        side, height = 700, rng.uniform(0.5, 0.85)
        thickness = max(1.5, height * side * rng.uniform(0.005, 0.01))
    elif kind == "off_center_28":
        side, height, thickness = 28, rng.uniform(0.45, 0.55), rng.uniform(1.8, 3.0)
        move = rng.choice([(6, 0), (-6, 0), (0, 6), (0, -6)])
        center = 0.5 + move[0] / 28, 0.5 + move[1] / 28
    ink = rng.uniform(0.05, 0.3)
    strokes = drawn(digit["strokes"], side, height, center, thickness)
    paper = numpy.full((side, side), rng.uniform(0.75, 1.0))
    if kind in ("ruled", "squared"):
        paper = ruled(paper, rng, kind == "squared")
    picture = (paper * (1 - strokes) + ink * strokes) * light_of(kind, side, rng)
    if kind == "table":
        picture = add_table(picture, rng)
    elif kind == "frame":
        picture = add_frame(picture, rng)
    elif kind == "specks":
        picture = add_specks(picture, rng, center, ink)
    elif kind == "light":
        picture = 1 - picture
    if side > 28:
        picture = picture + numpy.random.default_rng(seed).normal(0, rng.uniform(0, 0.02), picture.shape)
    return picture

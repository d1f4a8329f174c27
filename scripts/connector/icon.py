"""icon.png: a person and a tick, drawn from circles and lines.

The PNG is written here (RFC 2083), with stored blocks in place of compression (RFC 1951, section 3.2.4): the bytes then
do not depend on the version of a library.
"""

import struct
import zlib
from collections.abc import Iterator
from math import hypot

SIZE = 230  # pixels; certification wants 100 to 230, square
SHADES = 16  # from the background to white
BLOCK_BYTES = 0xFFFF
Point = tuple[float, float]
HEAD, HEAD_RADIUS = (108.0, 82.0), 30.0
SHOULDERS, SHOULDERS_RADIUS, FLOOR = (108.0, 172.0), 52.0, 172.0
BADGE, BADGE_RADIUS, GAP = (158.0, 152.0), 34.0, 8.0
TICK = ((142.0, 152.0), (154.0, 164.0), (175.0, 140.0))
STROKE = 4.5


def icon(accent: str) -> bytes:
    """Return the icon on this background, written ``#rrggbb``."""
    background = tuple(int(accent[place : place + 2], 16) for place in (1, 3, 5))
    palette = b"".join(
        bytes(round(value + (255 - value) * shade / (SHADES - 1)) for value in background) for shade in range(SHADES)
    )
    rows = b"".join(b"\0" + bytes(_row(y)) for y in range(SIZE))
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 4, 3, 0, 0, 0)  # four bits a pixel, from a palette
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", _stored(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _row(y: int) -> Iterator[int]:
    """Yield one byte for two pixels."""
    shades = [round(_whiteness((x + 0.5, y + 0.5)) * (SHADES - 1)) for x in range(SIZE)]
    return (shades[place] << 4 | shades[place + 1] for place in range(0, SIZE, 2))


def _whiteness(point: Point) -> float:
    """Return how white a pixel is, 0 to 1. Edges are one pixel wide."""
    head = _inside(HEAD_RADIUS - _distance(point, HEAD))
    body = min(_inside(SHOULDERS_RADIUS - _distance(point, SHOULDERS)), _inside(FLOOR - point[1]))
    badge = _inside(BADGE_RADIUS - _distance(point, BADGE))
    around = _inside(BADGE_RADIUS + GAP - _distance(point, BADGE))
    tick = max(_inside(STROKE - _from_line(point, *ends)) for ends in (TICK[:2], TICK[1:]))
    return max(min(max(head, body), 1 - around), min(badge, 1 - tick))


def _inside(depth: float) -> float:
    return min(max(depth + 0.5, 0.0), 1.0)


def _distance(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _from_line(point: Point, start: Point, end: Point) -> float:
    """Return the distance of a point from a line with round ends."""
    along = (end[0] - start[0], end[1] - start[1])
    offset = (point[0] - start[0], point[1] - start[1])
    share = (along[0] * offset[0] + along[1] * offset[1]) / (along[0] ** 2 + along[1] ** 2)
    share = min(max(share, 0.0), 1.0)
    return _distance(point, (start[0] + share * along[0], start[1] + share * along[1]))


def _stored(data: bytes) -> bytes:
    blocks = [data[place : place + BLOCK_BYTES] for place in range(0, len(data), BLOCK_BYTES)]
    packed = (
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ BLOCK_BYTES) + block for block in blocks
    )
    return b"\x78\x01" + b"".join(packed) + struct.pack(">I", zlib.adler32(data))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

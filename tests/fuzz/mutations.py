"""Mutations of an input by a seeded generator: the same seed gives the same bytes everywhere."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

#: Numbers at which readers break: edges of lengths, signs and sizes.
_NUMBERS = (0, 1, 4, 8, 127, 128, 255, 256, 4_000, 65_535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, -1)
_FORMS = ("<b", "<h", "<i", "<q", ">h", ">i", ">q")


def mutations(body: bytes, seed: int) -> Iterator[bytes]:
    """Inputs like ``body`` without end, each with one to four faults."""
    rng = random.Random(seed)
    while True:
        made = bytearray(body)
        for _ in range(rng.randint(1, 4)):
            _spoil(made, rng)
        yield bytes(made)


def _spoil(made: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(made) + 1)
    match rng.randrange(6):
        case 0 if at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        case 1:
            form = rng.choice(_FORMS)
            bits = 8 * struct.calcsize(form)
            number = rng.choice(_NUMBERS) & ((1 << bits) - 1)
            made[at : at + bits // 8] = struct.pack(form.upper(), number)
        case 2:
            del made[at : at + rng.choice((1, 4, 8, 64, len(made)))]
        case 3:
            made[at:at] = made[at : at + rng.randint(1, 64)]
        case 4:
            made[at:at] = rng.randbytes(rng.randint(1, 16))
        case _:
            other = rng.randrange(len(made) + 1)
            size = rng.randint(1, 32)
            made[at : at + size] = made[other : other + size]

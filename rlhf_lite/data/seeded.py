"""Chance without a state: the same key gives the same draw, in every process and in any order.

A generator would hand out other numbers as soon as one more user, prompt or labeler joins. A hash does not.
"""

import hashlib
from collections.abc import Callable, Iterable
from random import Random
from statistics import NormalDist
from typing import Any

_NORMAL = NormalDist()


def _bits(key: tuple) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest(), "big")


def chance(*key: Any) -> float:
    """A uniform number in (0, 1), fixed by the key (strings and numbers)."""
    return ((_bits(key) >> 11) + 0.5) / 2**53


def bell(*key: Any) -> float:
    """A standard normal number, fixed by the key."""
    return _NORMAL.inv_cdf(chance(*key))


def rng(*key: Any) -> Random:
    """A fresh generator, for where one key needs many draws."""
    return Random(_bits(key))


def name_of(*key: Any) -> str:
    """A short stable name (12 hexadecimal digits) of some content."""
    return f"{_bits(key):016x}"[:12]


def shuffled(items: Iterable, *key: Any, by: Callable[[Any], Any] = lambda item: item) -> list:
    """The items ordered by the hash of each: where one stands relative to another depends on no third."""
    return sorted(items, key=lambda item: chance(*key, by(item)))

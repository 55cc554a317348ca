"""Ids in Stripe's form, the same for the same seed and the same history."""

import hashlib
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 24


def token(seed: str, name: str, length: int = LENGTH) -> str:
    """`length` letters and digits that depend on seed and name alone."""
    number = int.from_bytes(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=32).digest())
    letters: list[str] = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def object_id(seed: str, prefix: str, number: int) -> str:
    """The `number`-th id of its prefix, for example `pi_3QyV…`."""
    return f"{prefix}_{token(seed, f'{prefix}:{number}')}"


def platform_id(seed: str) -> str:
    """The platform's own account."""
    return "acct_" + token(seed, "platform", 16)

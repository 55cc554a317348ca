"""Passwords: long, not among the first anybody tries, and never stored as they are."""

import pytest

from actors.passwords import LENGTH_MIN, Passwords, check_new_password, is_easy
from domain.errors import Invalid

EMAIL = "ada.long.name@example.org"


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password!2026",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "correct horse battery staple",
        "1q2w3e4r5t6y",
        "Ada.Long.Name1",
        "iloveyou!!!!!!",
    ],
)
def test_what_everybody_tries_first_is_easy(password: str) -> None:
    assert is_easy(password, email=EMAIL)
    with pytest.raises(Invalid, match="first anybody would try"):
        check_new_password(password, email=EMAIL)


@pytest.mark.parametrize("password", ["blue tractor sings 9", "ünïcødé sentence", "x7!" * 30 + "y"])
def test_any_kind_of_characters_will_do(password: str) -> None:
    check_new_password(password, email=EMAIL)


def test_length_has_bounds() -> None:
    with pytest.raises(Invalid, match=f"at least {LENGTH_MIN}"):
        check_new_password("x7!y8?z9.a", email=EMAIL)
    with pytest.raises(Invalid, match="at most"):
        check_new_password("blue tractor " * 30, email=EMAIL)


async def test_a_hash_fits_its_password_alone() -> None:
    passwords = Passwords()
    stored = await passwords.hash("blue tractor sings 9")
    assert stored.startswith("$argon2id$")
    assert await passwords.is_right(stored, "blue tractor sings 9")
    assert not await passwords.is_right(stored, "blue tractor sings 8")
    assert not await passwords.is_right(None, "blue tractor sings 9")
    assert not passwords.is_old(stored)
    assert passwords.is_old("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$YWJjZGVmZ2g")
    passwords.close()

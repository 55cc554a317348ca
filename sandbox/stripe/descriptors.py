"""What a cardholder reads on the statement: the platform's name and a suffix of the payment."""

import re
from typing import Any, Final

from sandbox.stripe.errors import invalid

Doc = dict[str, Any]

PREFIX: Final = "INSTAINSTRU"
DESCRIPTOR_MAX: Final = 22
FORBIDDEN: Final = re.compile(r"[<>\\'\"*]")


def check_descriptors(p: Doc) -> None:
    """Cards take a suffix alone: short, with a letter in it, without quotes and brackets."""
    if p.get("statement_descriptor"):
        raise invalid(
            "The statement_descriptor parameter is not supported for card payments: use"
            " statement_descriptor_suffix instead.",
            param="statement_descriptor",
        )
    suffix = p.get("statement_descriptor_suffix")
    if suffix is None:
        return
    is_bad = FORBIDDEN.search(suffix) or not re.search(r"[A-Za-z]", suffix)
    if is_bad or len(suffix) > DESCRIPTOR_MAX:
        raise invalid(
            "The statement descriptor suffix must contain at least one letter, at most"
            f" {DESCRIPTOR_MAX} characters, and none of < > \\ ' \" *.",
            param="statement_descriptor_suffix",
        )


def described(intent: Doc) -> Doc:
    """The fields of a charge that tell what the statement says."""
    suffix = intent["statement_descriptor_suffix"]
    text = f"{PREFIX}* {suffix.upper()}" if suffix else PREFIX
    return {
        "calculated_statement_descriptor": text[:DESCRIPTOR_MAX],
        "statement_descriptor_suffix": suffix,
    }

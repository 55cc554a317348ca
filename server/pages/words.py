"""Times, money and names in the words that pages use: the filters of the templates."""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain import money
from domain.times import rfc3339

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS_LONG = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HUES = 8

MODALITIES = {"online": "Online", "in_person": "In person"}
CARD_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
}
LANGUAGES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "ms": "Malay",
    "ne": "Nepali",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "yo": "Yoruba",
    "zh": "Mandarin",
}
SKILL_ICONS = {
    "acting": "drama",
    "biology": "dna",
    "cello": "music",
    "chemistry": "flask",
    "chess": "chess",
    "dance": "footprints",
    "data-science": "chart",
    "drawing": "palette",
    "drums": "drum",
    "english": "languages",
    "flute": "music",
    "french": "languages",
    "german": "languages",
    "guitar": "guitar",
    "italian": "languages",
    "japanese": "languages",
    "mandarin": "languages",
    "mathematics": "sigma",
    "painting": "palette",
    "photography": "camera",
    "physics": "atom",
    "piano": "piano",
    "portuguese": "languages",
    "programming": "code",
    "spanish": "languages",
    "swimming": "waves",
    "tennis": "trophy",
    "test-prep": "calendar_check",
    "ukulele": "guitar",
    "violin": "music",
    "voice": "mic",
    "writing": "feather",
    "yoga": "stretch",
}


def _full(at: datetime) -> str:
    return f"{_day(at)}, {at:%H:%M}"


def _day(at: datetime) -> str:
    return f"{WEEKDAYS[at.weekday()]} {at.day} {MONTHS[at.month - 1]}"


FORMATS: dict[str, Callable[[datetime], str]] = {
    "full": _full,
    "day": _day,
    "clock": lambda at: f"{at:%H:%M}",
    "weekday": lambda at: WEEKDAYS[at.weekday()],
    "daynumber": lambda at: str(at.day),
    "month": lambda at: MONTHS[at.month - 1],
    "date": lambda at: f"{at.day} {MONTHS[at.month - 1]} {at.year}",
    "year_month": lambda at: f"{MONTHS[at.month - 1]} {at.year}",
}
"""The same forms as `web/scripts/lib/times.ts` writes; the last two are for pages alone."""


def when(at: datetime, zone: str, form: str = "full") -> str:
    """An instant in a zone's local words, for example `Tue 9 Mar, 18:00`."""
    return FORMATS[form](at.astimezone(ZoneInfo(zone)))


def city(zone: str) -> str:
    """`America/New_York` → `New York`."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def countdown(until: datetime, now: datetime) -> str:
    """Minutes and seconds left, never below zero: `4:07`."""
    seconds = max(0, int((until - now).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = [word for word in name.split() if unicodedata.category(word[0]).startswith("L")]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "·"


def hue(identifier: UUID) -> int:
    """Which of the avatar tints a person has, the same on every page."""
    return identifier.int % HUES


def modality(value: str) -> str:
    """Where a lesson takes place, in words."""
    return MODALITIES.get(value, value)


def language(value: str) -> str:
    """A language by its name, whether it was given as a code or as a name."""
    return LANGUAGES.get(value.lower(), value)


def card_brand(value: str) -> str:
    """A card brand as people write it."""
    return CARD_BRANDS.get(value, value.title())


def skill_icon(slug: str) -> str:
    """The icon of a skill; a book when we have none."""
    return SKILL_ICONS.get(slug, "book")


def to_json(value: object) -> str:
    """JSON for a `data-` attribute; the template escapes it."""
    return msgspec.json.encode(value).decode()


FILTERS: dict[str, Callable[..., object]] = {
    "instant": rfc3339,
    "when": when,
    "city": city,
    "countdown": countdown,
    "initials": initials,
    "hue": hue,
    "modality": modality,
    "language": language,
    "card_brand": card_brand,
    "skill_icon": skill_icon,
    "money": money.words,
    "to_json": to_json,
}

"""Text at the last moment: what a device wrote made visible and inert, numbers with units, times with their zone."""

from __future__ import annotations

import unicodedata
from datetime import UTC, timezone
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from agent.clock import parse_time
from agent.errors import MalformedError
from agent.model.calendar import utc_offset

__all__ = [
    "TEXT_LIMIT",
    "amount",
    "grouped",
    "local_span",
    "local_time",
    "percent",
    "plain_time",
    "rate",
    "short",
    "visible",
    "zone_label",
    "zone_of",
]

TEXT_LIMIT = 600
"""Characters of one text that a page shows; a device may send 100 KB as a port name."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that show nothing, or that change how the text around them shows (bidi controls)."""


def visible(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text with nothing in it that acts or hides: controls become ``<U+202E>``, long tails a count.

    Args:
        text: anything, also lone surrogates and NUL.
        limit: characters of the original that are kept; 0 keeps all.
    """
    kept = text if not limit or len(text) <= limit else text[:limit]
    shown = "".join(_shown(character) for character in kept)
    return shown if len(kept) == len(text) else f"{shown} … (+{len(text) - len(kept)})"


def _shown(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if unicodedata.category(character) in _HIDDEN:
        return f"<U+{ord(character):04X}>"
    return character


def short(digest: str) -> str:
    """Return the first twelve hex digits of a digest, for reading; the whole digest stands in the raw section."""
    return visible(digest.removeprefix("sha256:")[:12])


def grouped(number: str) -> str:
    """Return a decimal text with a thin grouping of its integer part (``12 345.6``); other text as it is."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, point, rest = digits.partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(whole) < 5:
        return number
    return sign + f"{int(whole):,}".replace(",", "\u202f") + point + rest


def amount(value: str | None, unit: str) -> str:
    """Return a value with its UCUM unit as people write it; ``–`` for no value."""
    if value is None:
        return "–"
    if unit == "bit/s":
        return rate(value)
    shown = grouped(value)
    if unit in ("", "1"):
        return shown
    return f"{shown}\u00a0{unit}"


_SCALES = ((Decimal(10) ** 9, "Gbit/s"), (Decimal(10) ** 6, "Mbit/s"), (Decimal(10) ** 3, "kbit/s"))


def rate(bits_per_second: str | Decimal) -> str:
    """Return a bit rate with the prefix that fits: ``512.3 Mbit/s``, four significant digits, decimal prefixes."""
    number = decimal_of(bits_per_second)
    if number is None:
        return str(bits_per_second)
    for scale, unit in _SCALES:
        if abs(number) >= scale:
            return f"{_significant(number / scale)}\u00a0{unit}"
    return f"{_significant(number)}\u00a0bit/s"


def decimal_of(text: str | Decimal | None) -> Decimal | None:
    """Return the number, or None where the text is none or not finite."""
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # Beyond any quantity measured here; such a text is shown as it was written.
    return number if number.is_finite() and abs(number.adjusted()) <= 24 else None


def local_span(since: str, until: str, zone: timezone) -> str:
    """Return a window as ``2026-11-19 00:00 – 2026-11-21 00:00 (+08:00)``, the zone named once."""
    first, last = local_time(since, zone), local_time(until, zone)
    if first == last:
        first, last = local_time(since, zone, seconds=True), local_time(until, zone, seconds=True)
    begin, _, offset = first.rpartition(" ")
    end, _, other = last.rpartition(" ")
    return f"{begin} – {end} ({offset})" if begin and offset == other else f"{first} – {last}"


def _significant(number: Decimal) -> str:
    if number == 0:
        return "0"
    places = max(0, 3 - number.adjusted())
    text = format(number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(ratio: str | None) -> str:
    """Return a ratio 0 to 1 as a percentage with at most two places; ``–`` for none."""
    number = decimal_of(ratio)
    if number is None:
        return "–"
    text = format((number * 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN), "f")
    return text.rstrip("0").rstrip(".") + "\u00a0%"


def zone_of(name: str) -> timezone:
    """Return the campus's civil time as a fixed offset; UTC for a zone that the table does not know."""
    offset = utc_offset(name)
    return timezone(offset) if offset else UTC


def zone_label(name: str) -> str:
    """Return what times of the campus are shown in: ``Asia/Shanghai (UTC+08:00)``, or ``UTC``."""
    zone = zone_of(name)
    return "UTC" if zone is UTC else f"{name} ({zone})"


def plain_time(text: str, zone: timezone) -> str:
    """Return a record's time to the second without its offset, for tables that name the zone once."""
    shown = local_time(text, zone, seconds=True)
    return shown.rpartition(" ")[0] or shown


def local_time(text: str, zone: timezone, *, seconds: bool = False) -> str:
    """Return a record's time as ``2026-11-22 09:02 +08:00``; a text that is no time comes back made visible."""
    try:
        moment = parse_time(text).astimezone(zone)
    except (MalformedError, OverflowError):
        return visible(text, 60)
    offset = "UTC" if zone is UTC else moment.strftime("%z")[:3] + ":" + moment.strftime("%z")[3:]
    return moment.strftime("%Y-%m-%d %H:%M:%S " if seconds else "%Y-%m-%d %H:%M ") + offset

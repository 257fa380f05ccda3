"""Canonical bytes (RFC 8785) and digests: the only way this project hashes what it makes itself.

Two rules beyond RFC 8785: floats are refused (a number is an integer within ±(2^53-1) or a decimal string), so
that 64-bit counters and derived values survive every JSON reader; and received bytes are hashed as received,
with `digest`, never re-serialised.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import rfc8785

from agent.errors import MalformedError

__all__ = ["Json", "decimal_text", "digest", "dumps", "hex_of", "is_digest", "loads"]

Json = Any
"""A JSON value without floats: None, bool, int, str, list, dict."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MAX_DIGITS = 400


def dumps(value: Json) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        MalformedError: the value holds a float, an integer beyond 2^53-1 (use a decimal string), half a surrogate pair,
            or is nested too deeply.
    """
    try:
        _refuse_floats(value)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise MalformedError("this value has no canonical form: {why}", why=str(error)) from error


def loads(data: bytes, *, where: str = "") -> Json:
    """Parse JSON bytes strictly: UTF-8, no floats, no duplicate keys, no NaN.

    Raises:
        MalformedError: the bytes are not such JSON.
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedError("not valid JSON: {why}", where=where, why=str(error)) from error


def digest(data: bytes) -> str:
    """Return ``sha256:<64 lowercase hex>`` of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    """Tell whether the text is a well-formed ``sha256:<hex>``."""
    return _DIGEST.fullmatch(text) is not None


def hex_of(text: str) -> str:
    """Return the hex part of a digest.

    Raises:
        MalformedError: the text is not ``sha256:<64 lowercase hex>``.
    """
    if not is_digest(text):
        raise MalformedError("{text!r} is not a digest of the form sha256:<hex>", text=text[:100])
    return text[7:]


def decimal_text(value: Decimal | int | str) -> str:
    """Return the one spelling of a number: no exponent, no trailing zero, no ``-0``.

    Raises:
        MalformedError: the value is not a finite decimal number.
    """
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise MalformedError("{value!r} is not a decimal number", value=str(value)[:100]) from error
    if not number.is_finite():
        raise MalformedError("{value!r} is not a finite number", value=str(value)[:100])
    if number == 0:
        return "0"
    exponent = number.as_tuple().exponent
    if number.adjusted() > _MAX_DIGITS or not isinstance(exponent, int) or -exponent > _MAX_DIGITS:
        # Written out, "1e999999999" would fill the memory.
        raise MalformedError("{value!r} has too many digits", value=str(value)[:100])
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refuse_floats(value: Json) -> None:
    if isinstance(value, float):
        raise MalformedError("a float may not enter a record: {value!r}", value=value)
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_float(text: str) -> Json:
    raise ValueError(f"{text} is not an integer; decimal numbers are strings here")

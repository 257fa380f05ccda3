"""The tables of the backend, in types that SQLite and PostgreSQL share.

Times are RFC 3339 texts in UTC with milliseconds, digests and keyids are lowercase hex. Rows are added, never deleted;
what changes is the head of a chain, the run that holds a challenge, the head of the log, and the list of a
region, which may also be removed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "METADATA",
    "NAME_CHARACTERS",
    "agent",
    "challenge",
    "entry",
    "is_name",
    "log",
    "log_leaf",
    "log_node",
    "region",
    "token",
]

NAME_CHARACTERS = 100
"""Of the ids of schools and regions, as `agent.model.base.Identifier` has it."""

METADATA = MetaData()

token = Table(
    "token",
    METADATA,
    Column("sha256", String(64), primary_key=True),  # of the token, which is shown once and not kept
    Column("campus", String(NAME_CHARACTERS), nullable=False, index=True),
    Column("created", String(24), nullable=False),
    Column("expires", String(24), nullable=False),
    Column("keyid", String(64)),  # who used it
)

agent = Table(
    "agent",
    METADATA,
    Column("keyid", String(64), primary_key=True),
    Column("campus", String(NAME_CHARACTERS), nullable=False, index=True),
    Column("agent", String(200), nullable=False),
    Column("public_key", Text, nullable=False),  # PEM
    Column("enrolled", String(24), nullable=False),
    Column("revoked", String(24)),
    Column("reason", Text),
    Column("next_seq", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),  # payload digest of the newest entry of the chain
)

# Accepted statements have a receipt. Refused ones are authentic links of the chain whose content will never pass; they
# are kept, because the statements after them name them.
entry = Table(
    "entry",
    METADATA,
    Column("sha256", String(64), primary_key=True),  # of the payload
    Column("keyid", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("received", String(24), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("leaf", BigInteger, unique=True),  # index in the log
    Column("receipt", LargeBinary),
    Column("refused", String(100)),  # problem type
    Column("detail", Text),
    UniqueConstraint("keyid", "seq", name="entry_once"),
)

challenge = Table(
    "challenge",
    METADATA,
    Column("nonce", String(32), primary_key=True),
    Column("keyid", String(64), nullable=False, index=True),
    Column("issued", String(24), nullable=False),
    Column("expires", String(24), nullable=False),
    Column("run", Text),  # who holds it
    Column("ended", Boolean, nullable=False),  # the run that held it has ended
)

# The authority's lists of schools: the file as given, and who may read the roll-up. A new list replaces the old one.
region = Table(
    "region",
    METADATA,
    Column("id", String(NAME_CHARACTERS), primary_key=True),
    Column("file", LargeBinary, nullable=False),
    Column("reader", String(64), nullable=False),  # SHA-256 of the read token, which is shown once and not kept
    Column("stored", String(24), nullable=False),
)

# One row: the head of the log.
log = Table(
    "log",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("origin", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", Text, nullable=False),
)

log_leaf = Table(
    "log_leaf",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
)

# Roots of complete subtrees; written once.
log_node = Table(
    "log_node",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)


def is_name(text: str, limit: int = NAME_CHARACTERS) -> bool:
    """Tell whether a text from outside may be looked for and kept.

    PostgreSQL refuses a NUL and what is too long for its column, and both drivers half a surrogate pair.
    """
    return 0 < len(text) <= limit and text.isprintable()

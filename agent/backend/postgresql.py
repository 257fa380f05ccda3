"""PostgreSQL as the backend's database: its URL, its session, and what it says when it fails.

    postgresql://user:password@host:5432/name?sslmode=verify-full&sslrootcert=/etc/ssl/bureau.pem
    postgresql://user@/name?host=/run/postgresql

The URL holds a password: it comes from a file or the environment, and is shown nowhere. To another machine the
connection is encrypted and its certificate checked unless `sslmode=disable` says otherwise; on this one it is not.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from agent.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["POSTGRESQL", "Said", "check_session", "connect_arguments", "describe", "is_gone", "place_of", "read_url"]

POSTGRESQL: Final = "postgresql"
_DRIVER: Final = "postgresql+pg8000"
_ANSWER_SECONDS: Final = 120
"""How long the server may be silent, while a connection is made and while it works."""
_OPTIONS: Final = frozenset({"host", "sslmode", "sslrootcert"})
_GONE: Final = ("08", "57P", "53300", "28", "3D000", "25006")
"""Beginnings of SQLSTATE (PostgreSQL, appendix A) of a server that is away, not of a statement that is wrong:
connection exceptions, shutdowns, too many connections, logins that are refused now, a database that is being moved, a
standby that has not been promoted."""


@dataclass(frozen=True, slots=True)
class Said:
    """What went wrong, for the operator."""

    state: str
    """SQLSTATE; empty where the server said none."""
    text: str

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return f"{self.text} ({self.state})" if self.state else self.text


def read_url(text: str) -> URL:
    """Read the URL of a PostgreSQL.

    Raises:
        ConfigError: it is none, or the driver is not installed. The error does not repeat the URL.
    """
    if text.count("@") > 1:
        # SQLAlchemy ends the password at the first: the rest of it would pass for the server's name, and be shown.
        raise ConfigError(
            "the URL of the database has more than one @, so that its password ends where it should not",
            where="database",
            todo="Write @ in the user name or the password as %40",
        )
    try:
        url = make_url(text.strip())
        port = url.port or 5432
    except (ArgumentError, ValueError) as error:
        # Not chained: SQLAlchemy's text repeats the URL, password and all.
        raise _no_url(type(error).__name__) from None
    if url.drivername not in {"postgres", POSTGRESQL, _DRIVER}:
        raise _no_url(url.drivername)
    unknown = sorted(set(url.query) - _OPTIONS)
    if not url.username or not url.database or unknown or not 0 < port < 2**16:
        raise _no_url(", ".join(unknown) or "user, database and port")
    connect_arguments(url)
    if importlib.util.find_spec("pg8000") is None:
        raise ConfigError(
            "the driver for PostgreSQL is not installed",
            todo="Install it with: pip install 'campus-agent[backend,postgresql]'",
        )
    return url.set(drivername=_DRIVER)


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return what the driver is told beside user, password and database: the way to the server.

    Raises:
        ConfigError: the way or its encryption is not one that there is.
    """
    host, port = _host(url), url.port or 5432
    mode = _option(url, "sslmode") or ("disable" if _is_here(host) else "verify-full")
    root = _option(url, "sslrootcert")
    if mode not in {"disable", "verify-full"}:
        raise _no_url(f"sslmode={mode}")
    common = {"timeout": _ANSWER_SECONDS, "application_name": "campus-agent-backend"}
    if host.startswith("/"):
        return {**common, "unix_sock": f"{host}/.s.PGSQL.{port}", "ssl_context": False}
    try:
        context = ssl.create_default_context(cafile=root or None) if mode == "verify-full" else False
    except OSError as error:
        raise ConfigError(
            "cannot read this certificate: {why}",
            where=root,
            todo="Name the certificate of the authority that signed the server's, in PEM",
            why=error.strerror or "not PEM",
        ) from error
    return {**common, "host": host, "port": port, "ssl_context": context}


def place_of(url: URL) -> str:
    """Return where the database is, without the user's password."""
    return f"{_host(url)}:{url.port or 5432}/{url.database}"


def check_session(connection: Any, _record: object) -> None:
    """Refuse a server that forgets commits or cannot hold every text; on every connection.

    Raises:
        ConfigError: it is such a server.
    """
    cursor = connection.cursor()
    cursor.execute(
        "select current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_encoding')"
    )
    fsync, commit, encoding = cursor.fetchone()
    if commit == "off":
        cursor.execute("set session synchronous_commit to on")
    cursor.close()
    connection.commit()
    if (fsync, encoding) != ("on", "UTF8"):
        raise ConfigError(
            "PostgreSQL cannot keep what is stored safe (fsync {fsync}, encoding {encoding})",
            todo="Turn fsync on, and make the database with: createdb --encoding UTF8 --template template0",
            fsync=fsync,
            encoding=encoding,
        )


def describe(error: BaseException | None) -> Said:
    """Return what an error of the driver says: SQLSTATE and text, without statements and values."""
    found = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    given = found.args[0] if found is not None and found.args else ""
    if isinstance(given, dict):
        return Said(str(given.get("C", "")), str(given.get("M", "")))
    if isinstance(found, OSError):
        return Said("", found.strerror or str(found))
    cause = found.__cause__ if found is not None else None
    if isinstance(cause, OSError):
        return Said("", f"{type(cause).__name__}: {cause.strerror or 'no answer'}")
    return Said("", str(given))


def is_gone(error: BaseException | None) -> bool:
    """Tell whether an error means that there is no server to talk to now."""
    said = describe(error)
    if said.state:
        return said.state.startswith(_GONE)
    return type(error).__name__ == "InterfaceError"


def _host(url: URL) -> str:
    return _option(url, "host") or url.host or "localhost"


def _option(url: URL, name: str) -> str:
    given = url.query.get(name, "")
    return given if isinstance(given, str) else given[-1]


def _is_here(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_url(why: str) -> ConfigError:
    return ConfigError(
        "this is not the URL of a PostgreSQL that can be used ({why})",
        where="database",
        todo="Write postgresql://user:password@host/name, with ?host=/run/postgresql for a socket,"
        " and sslmode=verify-full or disable",
        why=why,
    )

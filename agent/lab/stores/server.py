"""A real HTTP server on loopback for a store of the lab, in a thread of its own, until the end of a `with`."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Asked", "FakeStore", "Replied", "as_json", "serving"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a store sees it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Replied:
    """What a store answers."""

    status: int = 200
    body: bytes = b""
    media: str = "application/json"


class FakeStore(Protocol):
    """What can be served."""

    def answer(self, asked: Asked) -> Replied:
        """Answer one request."""
        ...


@dataclass
class Served:
    """A store that listens."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    """Every request so far."""


def as_json(value: Any, status: int = 200) -> Replied:
    """Return a reply of JSON."""
    return Replied(status, json.dumps(value, separators=(",", ":")).encode())


@contextmanager
def serving(store: FakeStore, *, authorization: str = "") -> Iterator[Served]:
    """Serve a store on a free port of 127.0.0.1.

    Args:
        store: answers.
        authorization: the Authorization header that it wants; empty for none.
    """
    served = Served(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece: the second of two waits for the first one's acknowledgement

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, unquote(parts.path), query, headers, self.rfile.read(length))
            served.asked.append(asked)
            if authorization and headers.get("authorization") != authorization:
                replied = Replied(401, b"{}")
            else:
                replied = store.answer(asked)
            self.send_response(replied.status)
            if replied.status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="store"')
            self.send_header("Content-Type", replied.media)
            self.send_header("Content-Length", str(len(replied.body)))
            self.end_headers()
            self.wfile.write(replied.body)

        do_GET = do_POST = _answer  # noqa: N815 - names of the base class

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

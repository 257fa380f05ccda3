"""The HTTP transport: one connection per device, digest login, pinned certificates, bounded bodies, an allow-list.

httpx carries HTTP/1.1; what to say to a challenge is our own (`digest`), because httpx's DigestAuth takes the first
challenge whatever its algorithm, and mixes two that stand in one header.
"""

from agent.transports.http.login import HttpLogin
from agent.transports.http.transport import HttpTransport

__all__ = ["HttpLogin", "HttpTransport"]

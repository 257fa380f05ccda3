"""What every brand's module finds out about a recorder, in one shape; `facts.readings` makes readings of it.

Times are milliseconds since 1970 in UTC. A recorder's own times are local on some devices whatever they print
(recorders-and-logs 1.2.6): a brand calibrates before it fills these in, and says so in `Clock`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["Brand", "Channel", "Clock", "Disk", "Recorder", "Schedule", "Span"]

Schedule = Literal["continuous", "event", "mixed", "none", "unknown"]
"""Recording all week; on events only; both; nothing planned; not told."""


@dataclass(frozen=True, slots=True)
class Span:
    """A recorded stretch, end excluded."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The recorder's clock against ours."""

    offset_ms: int | None
    """How far it is ahead; None where it does not tell."""
    zulu: Literal["utc", "local", "unknown"]
    """What its `Z` means, as calibrated."""
    answer: Answer
    ahead_ms: int | None = None
    """How far the times that it prints of footage are ahead of UTC; None where nothing told."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk or remote volume."""

    id: str
    state: Literal["storing", "present", "failing", "unknown"]
    """`present` is there and healthy, but does not store; `unknown` is a word of the device that is not known here."""
    word: str
    """The device's own word."""
    capacity: int | None = None
    """Octets."""
    free: int | None = None
    """Octets; 0 is the healthy state of a recorder that overwrites."""
    redundant: bool = False
    """Holds second copies, and adds no retention."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, and what is recorded of it in the window that was searched."""

    id: str
    """As the recorder's own pages count."""
    answers: tuple[Answer, ...]
    """The exchanges that it comes from; the last one is the last of its footage."""
    settings: tuple[Answer, ...] = ()
    """The exchanges of what it is set to and in which state it is, where those of its footage do not tell that."""
    spans: tuple[Span, ...] | None = None
    """Merged and in order; None where the device did not tell, which is not the same as no footage."""
    days: tuple[str, ...] | None = None
    """Local days with any footage (`YYYY-MM-DD`), where a calendar tells no more than that."""
    complete: bool = True
    """False: the search was not followed to its end."""
    earliest: int | None = None
    recording: bool | None = None
    online: bool | None = None
    schedule: Schedule = "unknown"
    scheduled_minutes: int | None = None
    """Minutes a week that the plan records continuously."""
    expiry_days: int | None = None
    """Footage older than this is deleted, whatever the disks hold; None where no such setting is active or told."""
    bitrate: int | None = None
    """bit/s."""
    identity: str = ""
    """Pseudonym of the camera's serial number or address: the same camera behind two recorders has the same."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """A recorder as it told about itself."""

    answer: Answer
    """The exchange of its identity."""
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    """A pseudonym."""
    clock: Clock | None = None
    disks: tuple[Disk, ...] | None = None
    disks_answer: Answer | None = None
    overwrites: bool | None = None
    channels: tuple[Channel, ...] = ()
    channels_complete: bool = True
    searched: Span | None = None
    """The window that was searched for footage."""
    replay: str = ""
    """Where the device tells the addresses of its recordings, for brands whose addresses cannot be composed."""
    notes: tuple[str, ...] = field(default=())
    """What the device contradicted itself in, or did not support: words of `recorder.note`."""


class Brand(Protocol):
    """What every module of a brand has: `read`."""

    async def __call__(self, asset: Asset, campus: Campus, session: Session) -> Recorder:
        """Ask everything, one request at a time.

        Raises:
            GapError: the device does not answer or let us in.
            MalformedError: it answers with something that cannot be understood at all.
        """
        ...

"""`campus-agent status` for a person: the facts in their language and in the campus's civil time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clock import time_text
from agent.language import N_, name_of, translator
from agent.report.text import local_time, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.journal.slots import Slot
    from agent.runtime.device_state import Ailing
    from agent.runtime.status import Status

__all__ = ["STATES", "status_lines"]

STATES = {
    "expected": N_("due"),
    "started": N_("going on"),
    "done": N_("done"),
    "failed": N_("failed"),
    "skipped": N_("left out"),
    "missed": N_("missed"),
}
"""How a slot ended (`agent.journal.slots.SlotState`), in words."""


def status_lines(status: Status, language: str) -> Iterator[str]:
    """Yield the lines, each a label and what is so."""
    _ = translator(language)
    zone = zone_of(status.timezone)

    def at(text: str | None) -> str:
        return local_time(text, zone) if text else "-"

    def line(label: str, value: object) -> str:
        return f"{label}: {'-' if value in (None, '') else value}"

    yield line(_("service"), _("running") if status.running else _("not running"))
    yield line(_("entries"), status.entries)
    yield line(_("head"), status.head)
    yield line(_("last run"), at(status.last_run))
    yield line(_("devices that do not answer as they should"), "" if not status.ailing else len(status.ailing))
    for one in status.ailing:
        yield f"  {_device(one, at, _, running=status.running)}"
    slots = [line(_(STATES.get(state, state)), count) for state, count in status.slots.items()]
    yield line(_("slots of the last day"), ", ".join(slots))
    yield line(_("last assessment"), at(status.last_assessment))
    yield line(_("judged by"), ", ".join(status.judged_by))
    yield line(_("daily assessment"), _daily(status.daily, at, _) if status.daily else "")
    yield line(_("waiting for a receipt"), status.backlog.waiting)
    yield line(_("waiting since"), at(time_text(status.backlog.oldest)) if status.backlog.oldest else "")
    yield line(_("refused for good"), ", ".join(f"{number}: {why}" for number, why in status.backlog.rejected))
    yield line(_("room used"), f"{status.space.used // 2**20} MB")
    yield line(_("room free"), f"{status.space.free // 2**20} MB")
    yield line(_("room enough"), _("yes") if status.space.enough else _("no: measuring is paused"))


def _device(one: Ailing, at: Callable[[str | None], str], _: Callable[[str], str], *, running: bool) -> str:
    """Return a device, since when, what failed, and when it is asked again."""
    told = f"{one.asset}: {name_of(one.result, _)}, {at(one.at)}"
    if one.collectors:
        told += f" ({', '.join(one.collectors)})"
    if one.resting:
        next_try = _("rests after failures, is asked again at about {at}").format(at=at(one.next_try))
        told += f"; {next_try if running else _('rests until the service runs')}"
    why = one.why.removeprefix(f"{one.result}: ")  # the record's words: evidence is in one language
    return f"{told}; {why}" if why else told


def _daily(slot: Slot, at: Callable[[str | None], str], _: Callable[[str], str]) -> str:
    """Return when the day's assessment was due and how it ended."""
    told = f"{at(time_text(slot.due))}, {_(STATES.get(slot.state, slot.state))}"
    return f"{told}; {slot.reason}" if slot.reason else told

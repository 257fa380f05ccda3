"""Security functions of the campus: which are in place and show that they work, and how old their signatures are.

`security.function` (1 or 0, subject `security:<function>`) looks at every device that the school declares for the
function (`functions` of an asset) or that shows the function itself. Assets with one address are one device: what its
command line says counts with what it says by SNMP.

- The device says that the function rests, or has no signatures: 0.
- Its counters move over the window: 1, `corroborated` where the school declares it too (two sources agree), else
  `reported`.
- It shows life otherwise (running, connections open, fresh or changed signatures, updates in order, policies set up):
  1, `reported`.
- It answers, and nothing of this can be measured on it: 1, `declared`, and only if the school declares it. Counters
  that stand still prove neither.
- It is silent: open. The best device decides.

In-path proof, for functions that stand in the traffic: where the octets that went through the devices of a function are
those of the egress within a tolerance, a `reported` figure is `corroborated`; where much more crossed the egress than
went through them, the figure is open as `contradicted`. Nothing here is `measured`: the agent sends no attack.

`security.signature_age` (d) is the oldest signatures among the devices of a function, as last read.

Settings of the method: `signature_days` (90) up to which signatures are a sign of life; `answered` (0.5) is the share
of conversations that a device must answer; `in_path_low` (0.9) and `in_path_high` (1.5) bound the octets through the
devices over those of the egress that agree; `contradicted_below` (0.5) is the ratio that contradicts, and
`in_path_octets` (10000000) what must have crossed the egress for either.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, get_args

from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.in_path import Ports, in_path
from agent.assess.derive.settings import numbers
from agent.assess.samples import number, rounded
from agent.model.asset import SecurityFunction
from agent.model.exchange import GapReason
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["security"]

FUNCTIONS: Final[tuple[SecurityFunction, ...]] = get_args(SecurityFunction)
DEFAULTS: Final = {
    "signature_days": "90",
    "answered": "0.5",
    "in_path_low": "0.9",
    "in_path_high": "1.5",
    "contradicted_below": "0.5",
    "in_path_octets": "10000000",
}
IN_PATH: Final = frozenset(
    {
        "firewall",
        "antivirus",
        "intrusion-prevention",
        "traffic-management",
        "behaviour-management",
        "content-filter",
    }
)
"""Functions of what the traffic goes through; the others stand beside it."""
ALSO_ELSEWHERE: Final = frozenset({"antivirus", "content-filter"})
"""Those that also run on hosts: their device contradicts nothing unless it is known to be a gateway."""
SIGNED: Final = frozenset({"antivirus", "intrusion-prevention"})
"""Functions that are worth nothing without signatures."""
DATABASES: Final = (
    (re.compile(r"(?i)virus|\bav\b|av-?sdb"), "antivirus"),
    (re.compile(r"(?i)\bips\b|ips-?sdb|ips-?(?:et)?db|attack|intrusion"), "intrusion-prevention"),
    (re.compile(r"(?i)url|web"), "content-filter"),
    (re.compile(r"(?i)\bapp?\b|app-?db|application|sa-?sdb|\bapr\b"), "behaviour-management"),
)
"""What command lines call a database, and whose it is; the first that fits."""
SHOWING: Final = frozenset({"active", "present", "inactive"})
SILENT: Final = {
    GapReason.UNREACHABLE.value: Reason.UNREACHABLE,
    GapReason.DEADLINE.value: Reason.UNREACHABLE,
    GapReason.REFUSED.value: Reason.REFUSED,
}
GAUGES: Final = {"firewall": "security.sessions", "behaviour-management": "security.users"}
"""What moves with a function that counts nothing else."""


@dataclass(frozen=True, slots=True)
class _Device:
    """Assets with one address."""

    assets: tuple[str, ...]
    declared: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one device comes to for one function."""

    value: str | None
    """None: it is silent."""
    grade: Grade
    sources: tuple[Digest, ...]
    reason: Reason | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Return what sorts the best first: in place, then open, then resting."""
        return ({"1": 0, None: 1, "0": 2}[self.value], self.grade.rank)


def security(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive; see the module.

    Raises:
        MalformedError: a reading that it needs is not a number, or its unit does not fit.
        ConfigError: a setting is unknown or no number.
    """
    settings = numbers("security", method, DEFAULTS)
    look = _Look(readings, campus, settings)
    found: list[Reading] = []
    still_open: dict[tuple[str, str], Open] = {}
    for function in FUNCTIONS:
        subject = f"security:{function}"
        devices = look.devices_of(function)
        best, why = look.function(function, devices)
        if best is not None and best.value is not None:
            found.append(figure_at(window, "security.function", subject, best.value, "1", best.grade, best.sources))
        if why is not None:
            still_open["security.function", subject] = why
        aged = look.signatures(function, devices)
        if isinstance(aged, Open):
            still_open["security.signature_age", subject] = aged
        elif aged is not None:
            age = rounded(number(aged, "d"))
            found.append(figure_at(window, "security.signature_age", subject, age, "d", aged.grade, aged.sources))
    return Derived(tuple(found), still_open)


class _Look:
    """The readings of one window, asked about one function after the other."""

    def __init__(self, readings: Readings, campus: Campus, settings: Mapping[str, Fraction]) -> None:
        self._readings = readings
        self._campus = campus
        self._settings = settings
        self._ports = Ports(readings, campus)
        self._answers: dict[str, list[Reading]] = defaultdict(list)
        for one in readings.every("collector.answer"):
            self._answers[one.subject.partition(":")[2]].append(one)
        self._databases: dict[tuple[str, str], list[Reading]] = defaultdict(list)
        for one in readings.every("appliance.signature.age", "appliance.signature.version"):
            asset, _, name = one.subject.partition(":")[2].rpartition("/")
            if function := next((function for form, function in DATABASES if form.search(name)), None):
                self._databases[asset, function].append(one)

    def devices_of(self, function: str) -> list[_Device]:
        """Return the devices that the school declares for the function, or that show it themselves."""
        places: dict[str, list[str]] = defaultdict(list)
        declared: dict[str, set[str]] = defaultdict(set)
        for asset in self._campus.assets:
            places[asset.address].append(asset.id)
            declared[asset.address].update(asset.functions)
        devices = [_Device(tuple(places[place]), frozenset(declared[place])) for place in places]
        return [one for one in devices if function in one.declared or self._shows(one, function)]

    def function(self, function: str, devices: Sequence[_Device]) -> tuple[_Verdict | None, Open | None]:
        """Return the figure of a function as far as it is known, and why it is open."""
        if not devices:
            return None, Open(Reason.NO_TARGET)
        verdicts = [self._verdict(one, function) for one in devices]
        best = min(verdicts, key=lambda verdict: verdict.order)
        if best.value is None:
            return best, Open(best.reason or Reason.TOO_FEW_SAMPLES, "0", "1")
        if best.value == "1" and function in IN_PATH:
            return self._borne_out(function, devices, best)
        return best, None

    def signatures(self, function: str, devices: Sequence[_Device]) -> Reading | Open | None:
        """Return the oldest signatures of a function, or why nobody knows; None where none are to be expected."""
        ages = [age for one in devices if (age := self._age(one, function)) is not None]
        if ages:
            return max(ages, key=lambda reading: number(reading, "d"))
        if function not in SIGNED:
            return None
        if not devices:
            return Open(Reason.NO_TARGET)
        silent = [reason for one in devices if (reason := self._silence(one)) is not None]
        return Open(silent[0] if len(silent) == len(devices) else Reason.UNSUPPORTED)

    # --- one device -------------------------------------------------------------------------------------------------

    def _shows(self, device: _Device, function: str) -> bool:
        state = self._last("security.state", device, function)
        known = any(self._databases.get((asset, function)) for asset in device.assets)
        known = known or any(
            self._readings.of("appliance.policies", f"policy:{asset}/{function}") for asset in device.assets
        )
        return known or (state is not None and state.value in SHOWING)

    def _verdict(self, device: _Device, function: str) -> _Verdict:
        silent = self._silence(device)
        said = self._said(device)
        if silent is not None:
            return _Verdict(None, Grade.REPORTED, said, silent)
        state = self._last("security.state", device, function)
        sources = state.sources if state is not None else ()
        if state is not None and state.value == "inactive":
            return _Verdict("0", Grade.REPORTED, sources)
        if moved := self._moved(device, function):
            grade = Grade.CORROBORATED if function in device.declared else Grade.REPORTED
            return _Verdict("1", grade, _cited(sources, moved))
        if (alive := self._alive(device, function, state)) is not None:
            return _Verdict("1", Grade.REPORTED, _cited(sources, alive))
        if function in device.declared:
            return _Verdict("1", Grade.DECLARED, sources or said)
        return _Verdict(None, Grade.REPORTED, sources or said, Reason.UNSUPPORTED)

    def _silence(self, device: _Device) -> Reason | None:
        """Return why the device does not answer; None where it answers often enough under one of its assets."""
        worst: Reason | None = Reason.TOO_FEW_SAMPLES
        for asset in device.assets:
            answers = self._answers.get(asset, [])
            silent = [SILENT[one.value] for one in answers if one.value in SILENT]
            if answers and len(answers) - len(silent) >= self._settings["answered"] * len(answers):
                return None
            if silent:
                worst = max(set(silent), key=lambda reason: (silent.count(reason), reason.value))
        return worst

    def _said(self, device: _Device) -> tuple[Digest, ...]:
        """Return the last answer of each asset, or what stands for it."""
        return tuple(
            digest for asset in device.assets for one in self._answers.get(asset, [])[-1:] for digest in one.sources
        )

    def _moved(self, device: _Device, function: str) -> tuple[Reading, ...]:
        """Return two readings between which a counter of the function grew, or its gauge changed."""
        for asset in device.assets:
            for name in ("examined", "detected", "blocked"):
                counted = self._readings.of(f"security.{name}", f"function:{asset}/{function}")
                for (_, earlier), (_, later) in pairwise(counted):
                    if number(later, "1") > number(earlier, "1"):
                        return earlier, later
            gauge = self._readings.of(GAUGES[function], f"asset:{asset}") if function in GAUGES else ()
            for (_, earlier), (_, later) in pairwise(gauge):
                if number(later, "1") != number(earlier, "1"):
                    return earlier, later
        return ()

    def _alive(self, device: _Device, function: str, state: Reading | None) -> tuple[Reading, ...] | None:
        """Return what else shows that the function works; None where nothing does."""
        if state is not None and state.value == "active":
            return ()
        age = self._age(device, function)
        if age is not None and number(age, "d") <= self._settings["signature_days"]:
            return (age,)
        update = self._last("security.update", device, function)
        if update is not None and update.value == "up-to-date":
            return (update,)
        return next((shown for asset in device.assets if (shown := self._shown(asset, function))), None)

    def _shown(self, asset: str, function: str) -> tuple[Reading, ...]:
        """Return the readings of one asset that show life: other signatures than before, connections, policies."""
        versions = self._readings.of("security.signature.version", f"function:{asset}/{function}")
        for (_, earlier), (_, later) in pairwise(versions):
            if earlier.value != later.value:
                return earlier, later
        gauge = self._readings.of(GAUGES[function], f"asset:{asset}") if function in GAUGES else ()
        policies = self._readings.of("appliance.policies", f"policy:{asset}/{function}")
        for counted in (gauge, policies):
            if counted and number(counted[-1][1], "1") > 0:
                return (counted[-1][1],)
        return ()

    def _age(self, device: _Device, function: str) -> Reading | None:
        """Return the oldest of the device's signatures, each as last read."""
        last: dict[str, Reading] = {}
        for asset in device.assets:
            for one in self._databases.get((asset, function), ()):
                if one.metric == "appliance.signature.age":
                    last[one.subject] = one
            for _, one in self._readings.of("security.signature.age", f"function:{asset}/{function}"):
                last[one.subject] = one
        return max(last.values(), key=lambda reading: number(reading, "d"), default=None)

    def _last(self, metric: str, device: _Device, function: str) -> Reading | None:
        """Return the latest reading; of several assets, one that says more than that nothing can be measured."""
        found = [self._readings.of(metric, f"function:{asset}/{function}") for asset in device.assets]
        last = [readings[-1][1] for readings in found if readings]
        telling = [one for one in last if one.value not in {"not-measurable", "licensed"}]
        return next(iter(telling or last), None)

    # --- in the path ------------------------------------------------------------------------------------------------

    def _borne_out(self, function: str, devices: Sequence[_Device], best: _Verdict) -> tuple[_Verdict, Open | None]:
        assets = [asset for one in devices for asset in one.assets]
        flow = in_path(self._readings, self._campus, self._ports, assets)
        if flow is None or flow.egress < self._settings["in_path_octets"]:
            return best, None
        with_flow = replace(best, sources=tuple(dict.fromkeys((*best.sources, *flow.sources))))
        if flow.ratio < self._settings["contradicted_below"] and self._complete(function, devices):
            grade = best.grade if best.grade is Grade.DECLARED else Grade.REPORTED
            return replace(with_flow, grade=grade), Open(Reason.CONTRADICTED, "0", "1")
        agrees = self._settings["in_path_low"] <= flow.ratio <= self._settings["in_path_high"]
        if agrees and best.grade is Grade.REPORTED:
            return replace(with_flow, grade=Grade.CORROBORATED), None
        return best, None

    def _complete(self, function: str, devices: Sequence[_Device]) -> bool:
        """Tell whether the ports of every device are known, and it is one that traffic goes through."""
        for one in devices:
            if not any(self._ports.of(asset).times for asset in one.assets):
                return False
            gateway = any(self._readings.of("security.mib", f"asset:{asset}") for asset in one.assets)
            if function in ALSO_ELSEWHERE and not gateway:
                return False
        return True


def _cited(sources: tuple[Digest, ...], shown: Sequence[Reading]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys((*sources, *(digest for one in shown for digest in one.sources))))

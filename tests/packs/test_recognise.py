"""Which family a device belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model.base import Text
from agent.model.family import Family, Recognition
from agent.packs.load import config_directory, load_families
from agent.packs.recognise import recognise, telling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def family(name: str, *oids: str, descr: tuple[str, ...] = ()) -> Family:
    return Family(
        id=name,
        version="1",
        title=Text(zh=name, en=name),
        vendor="x",
        role="other",
        transport="snmp",
        recognise=Recognition(sys_object_id=oids, sys_descr=descr),
        collectors=("interfaces",),
    )


def _name(
    families: Iterable[Family], *, sys_object_id: str = "", sys_descr: str = "", objects: Collection[str] = ()
) -> str | None:
    found = recognise(families, sys_object_id=sys_object_id, sys_descr=sys_descr, objects=objects)
    return found.id if found else None


def test_the_longest_prefix_wins_by_whole_arcs() -> None:
    """1.3.6.1.4.1.20 does not belong to 1.3.6.1.4.1.2, and a series stands above its maker."""
    families = [family("any", "1.3.6.1"), family("maker", "1.3.6.1.4.1.2"), family("series", "1.3.6.1.4.1.2.7")]
    assert _name(families, sys_object_id="1.3.6.1.4.1.2.7.1") == "series"
    assert _name(families, sys_object_id="1.3.6.1.4.1.2.8") == "maker"
    assert _name(families, sys_object_id="1.3.6.1.4.1.20.7") == "any"
    assert _name(families, sys_object_id="1.2.840") is None


def test_a_description_stands_between_any_device_and_a_maker() -> None:
    """A device with a useless sysObjectID is known by what it says; one with a maker's number is known by that."""
    families = [family("any", "1.3.6.1"), family("maker", "1.3.6.1.4.1.2"), family("said", descr=("Acme OS",))]
    assert _name(families, sys_object_id="1.3.6.1.4.1.99", sys_descr="Acme OS 3") == "said"
    assert _name(families, sys_object_id="1.3.6.1.4.1.2.1", sys_descr="Acme OS 3") == "maker"
    assert _name(families, sys_descr="Acme OS 3") == "said"


def test_shipped_families_tell_common_makers_apart() -> None:
    """Any order of the families gives the same answer."""
    families = list(load_families(config_directory()).values())
    for oid, name in {
        "1.3.6.1.4.1.8072.3.2.10": "net-snmp",
        "1.3.6.1.4.1.2011.2.23.291": "huawei-vrp-switch",
        "1.3.6.1.4.1.25506.1.1348": "h3c-comware",
        "1.3.6.1.4.1.4881.1.1.10.1.52": "ruijie-rgos",
        "1.3.6.1.4.1.9.1.1208": "cisco-ios",
        "1.3.6.1.4.1.2011.2.224.1": "generic-snmp",
    }.items():
        assert _name(families, sys_object_id=oid) == name
        assert _name(reversed(families), sys_object_id=oid) == name


def test_objects_tell_the_role_and_the_number_tells_the_maker() -> None:
    """A card that calls itself Linux but has a UPS's objects is a UPS; one of a maker's number stays with the maker."""
    families = [
        family("any", "1.3.6.1"),
        family("linux", "1.3.6.1.4.1.2.3.4"),
        power("maker", "1.3.6.1.4.1.5", objects=("1.1.0",)),
        power("standard", objects=("2.1.0", "2.2.0")),
    ]
    assert telling(families) == ("1.1.0", "2.1.0", "2.2.0")
    assert _name(families, sys_object_id="1.3.6.1.4.1.2.3.4.10") == "linux"
    assert _name(families, sys_object_id="1.3.6.1.4.1.2.3.4.10", objects=["2.2.0"]) == "standard"
    assert _name(families, sys_object_id="1.3.6.1.4.1.5.1", objects=["2.1.0"]) == "maker"
    assert _name(families, sys_object_id="1.3.6.1.4.1.2.3.4.10", objects=["1.1.0", "2.1.0"]) == "maker"
    assert _name(families, objects=["2.1.0"]) == "standard"
    assert _name(families, sys_object_id="1.3.6.1.4.1.9", objects=["3.1.0"]) == "any"


def power(name: str, *oids: str, objects: tuple[str, ...]) -> Family:
    """Return a family of UPS with objects of its own."""
    recognition = Recognition(sys_object_id=oids, objects=objects)
    return family(name).model_copy(update={"role": "ups", "recognise": recognition})

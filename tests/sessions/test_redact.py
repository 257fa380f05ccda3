"""Redaction: what leaves an answer, what stays, and that it is the same in every run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.errors import GapError, MalformedError
from agent.language import translator
from agent.model.exchange import (
    Holds,
    IndexPart,
    MqttListen,
    MqttMessage,
    MqttMessages,
    SnmpColumn,
    SnmpGet,
    SnmpTable,
    Topic,
    VarBinds,
)
from agent.sessions.redact import MARK, Redactor
from tests.sessions.scripted import KEY, octets, value_of, varbind

COLUMN = "1.3.6.1.2.1.2.2.1.6"
MACS = SnmpTable(columns=(SnmpColumn(oid=COLUMN, holds="mac"),))
PLAIN = SnmpTable(columns=(SnmpColumn(oid=COLUMN),))


def redacted(value: bytes, request: SnmpTable = MACS, *secrets: bytes) -> tuple[bytes, dict[str, int]]:
    """Return what becomes of one octet string."""
    shown, counts = Redactor(KEY, secrets).redact(request, VarBinds(varbinds=(octets(f"{COLUMN}.7", value),)))
    assert isinstance(shown, VarBinds)
    return value_of(shown.varbinds[0]), {rule: count for rule, count in counts.items() if count}


@given(st.binary(min_size=6, max_size=6).filter(lambda mac: not mac[0] & 3 and any(mac)))
def test_a_mac_keeps_its_oui_and_nothing_else(mac: bytes) -> None:
    """The maker stays readable, the device does not, and equal addresses stay equal."""
    shown, counts = redacted(mac)
    assert shown[:3] == mac[:3]
    assert len(shown) == 6
    assert (shown, counts) == redacted(mac)
    assert shown != mac or not counts


def test_two_devices_of_one_maker_never_become_one() -> None:
    """10 000 addresses of one maker have 10 000 pseudonyms: a count of terminals is exact."""
    oui = bytes.fromhex("488eef")
    redactor = Redactor(KEY)
    shown = {redactor.pseudonym("mac", oui + number.to_bytes(3, "big")) for number in range(10_000)}
    assert len(shown) == 10_000
    assert {each[:3] for each in shown} == {oui}


@given(st.binary(min_size=6, max_size=6).filter(lambda mac: mac[0] & 3 == 2))
def test_a_randomised_mac_keeps_only_the_bit_that_says_so(mac: bytes) -> None:
    """A locally administered address has no maker: only its bit stays, and it stays an address of one device."""
    shown, _ = redacted(mac)
    assert shown[0] & 3 == 2
    other, _ = redacted(mac[:5] + bytes([mac[5] ^ 1]))
    assert other != shown


def test_pseudonyms_need_the_key() -> None:
    """Another campus's key gives other pseudonyms: nobody can compare two schools' devices."""
    answer = VarBinds(varbinds=(octets(f"{COLUMN}.1", bytes.fromhex("488eef7166e0")),))
    assert Redactor(KEY).redact(MACS, answer) != Redactor(bytes(32)).redact(MACS, answer)


@pytest.mark.parametrize(
    "mac",
    [bytes(6), b"\xff" * 6, bytes.fromhex("01005e0000fb"), b"00:00:00:00:00:00", b"FF:FF:FF:FF:FF:FF", b"", bytes(8)],
    ids=["zero", "broadcast", "multicast", "zero text", "broadcast text", "empty", "zero EUI-64"],
)
def test_addresses_of_no_one_stay_as_they_are(mac: bytes) -> None:
    """Zero, broadcast and multicast are no device's: kept octet by octet, spelling included, and not counted."""
    assert redacted(mac) == (mac, {})


@pytest.mark.parametrize("text", [b"48:8E:EF:71:66:E0", b"48-8e-ef-71-66-e0", b"48 8e ef 71 66 e0"])
def test_a_mac_written_as_text_is_the_same_mac(text: bytes) -> None:
    """Devices that write addresses as text give the same pseudonym as those that send six octets."""
    shown, counts = redacted(text)
    separator = text[2:3]
    assert bytes(int(part, 16) for part in shown.split(separator)) == redacted(bytes.fromhex("488eef7166e0"))[0]
    assert counts == {"mac": 1}


def test_short_text_octets_are_read_as_well() -> None:
    """0:1a:2b:3:4:5 is an address, too."""
    shown, _ = redacted(b"0:1a:2b:3:4:5")
    assert shown.startswith(b"00:1a:2b:")
    assert shown != b"00:1a:2b:03:04:05"


@given(st.binary(min_size=1, max_size=32).filter(lambda value: len(value) != 6 and any(value)))
def test_what_stands_in_an_address_column_never_stays(value: bytes) -> None:
    """Whatever else a device puts where an address belongs is replaced, unless it is an address of no one."""
    shown, _ = redacted(value)
    assert shown != value or value.count(b":") == 5 or value.count(b"-") == 5 or value.count(b" ") == 5


def test_names_and_serials_leave_only_their_equality() -> None:
    """A person's name becomes a token that is equal for equal names and says nothing else."""
    request = SnmpTable(columns=(SnmpColumn(oid=COLUMN, holds="name"), SnmpColumn(oid="1.3.6.1.9.1", holds="serial")))
    answer = VarBinds(
        varbinds=(
            octets(f"{COLUMN}.1", "zhang-san-laptop"),
            octets(f"{COLUMN}.2", "zhang-san-laptop"),
            octets(f"{COLUMN}.3", ""),
            octets("1.3.6.1.9.1.1", "SN1234567"),
        )
    )
    shown, counts = Redactor(KEY).redact(request, answer)
    assert isinstance(shown, VarBinds)
    one, two, empty, serial = map(value_of, shown.varbinds)
    assert one == two
    assert one.startswith(b"~name-")
    assert len(one) == len(b"~name-") + 12
    assert empty == b""
    assert serial.startswith(b"~serial-")
    assert counts == {"name": 2, "serial": 1}


# --- index parts ----------------------------------------------------------------------------------------------------

INDEXED = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.4.1.9.1"),), index=(IndexPart(at=1, length=6, holds="mac"),))


def test_a_mac_in_the_index_gets_the_pseudonym_of_the_same_mac_in_a_value() -> None:
    """An address that is part of the row's index is hidden there and still joins with the same address elsewhere."""
    answer = VarBinds(varbinds=(octets("1.3.6.1.4.1.9.1.17.72.142.239.113.102.224.3", "row"),))
    shown, counts = Redactor(KEY).redact(INDEXED, answer)
    assert isinstance(shown, VarBinds)
    oid = ber.oid_tuple(ber.decode_varbind(bytes.fromhex(shown.varbinds[0])).oid)
    assert oid[8] == 17
    assert oid[-1] == 3
    assert bytes(oid[9:15]) == redacted(bytes.fromhex("488eef7166e0"))[0]
    assert counts == {"mac": 1}


@pytest.mark.parametrize("index", ["17.72.142.239", "17.72.142.239.113.102.999.3"])
def test_an_index_without_the_declared_octets_is_left_alone(index: str) -> None:
    """An index that is too short, or holds numbers that are no octets, holds no address."""
    answer = VarBinds(varbinds=(octets(f"1.3.6.1.4.1.9.1.{index}", "row"),))
    shown, _ = Redactor(KEY).redact(INDEXED, answer)
    assert shown == answer


def test_a_long_name_in_the_index_stays_octets() -> None:
    """A name in the index becomes as many other octets, so that the row still decodes."""
    request = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.4.1.9.1"),), index=(IndexPart(at=0, length=5, holds="name"),))
    answer = VarBinds(varbinds=(octets("1.3.6.1.4.1.9.1.104.101.108.108.111.9", "row"),))
    shown, counts = Redactor(KEY).redact(request, answer)
    assert isinstance(shown, VarBinds)
    oid = ber.oid_tuple(ber.decode_varbind(bytes.fromhex(shown.varbinds[0])).oid)
    assert len(oid) == 14
    assert all(part < 256 for part in oid[8:13])
    assert counts == {"name": 1}


# --- secrets --------------------------------------------------------------------------------------------------------


def test_an_echoed_secret_is_marked() -> None:
    """A device that prints its community into a description does not get it into the record."""
    shown, counts = redacted(b"ro=canary-ro rw=canary-rw ro=canary-ro", PLAIN, b"canary-ro", b"canary-rw")
    assert shown.decode() == f"ro={MARK} rw={MARK} ro={MARK}"
    assert counts == {"secret": 3}


def test_a_secret_that_is_part_of_another_leaves_no_rest() -> None:
    """Whatever the order of the secrets, the longest goes as a whole: no tail of it stays."""
    for secrets in ((b"canary", b"canary-long"), (b"canary-long", b"canary")):
        assert redacted(b"x canary-long y", PLAIN, *secrets)[0].decode() == f"x {MARK} y"


def test_a_secret_that_is_a_word_of_the_mark_does_no_harm() -> None:
    """A community named like the mark itself is replaced once, not again inside its own mark."""
    shown, counts = redacted(b"canary-1 secret", PLAIN, b"secret", b"canary-1")
    assert shown.decode() == f"{MARK} {MARK}"
    assert counts == {"secret": 2}


@pytest.mark.parametrize("word", [b"public", b"private", b"abc"])
def test_factory_communities_and_tiny_secrets_do_not_tear_honest_text(word: bytes) -> None:
    """`public` is no secret, and three octets occur by chance: such text stays."""
    assert redacted(b"abc public private", PLAIN, word) == (b"abc public private", {})


def test_gap_details_lose_secrets_too() -> None:
    """The text of an error is redacted like an answer."""
    assert Redactor(KEY, (b"canary-1",)).text("wrong digest for canary-1 \udcff") == f"wrong digest for {MARK} ?"


def test_a_gap_keeps_our_own_words_and_loses_the_secret_of_a_value() -> None:
    """A community that is a word of the hint makes no hole in it; in a place, a value or an error within it goes."""
    what = "the device answered with something that does not decode: {why}"
    todo = "Keep the conversation with campus-agent read --record, and report it with that file"
    redactor = Redactor(KEY, (b"conversation", b"device"))
    within = MalformedError("BER: {tag} in {file}", where="conversation", tag=5, file="a device file")
    gap = redactor.gap(GapError("malformed", what, where="snmp://device:161", todo=todo, why=within))
    assert (gap.reason, gap.what, gap.todo) == ("malformed", what, todo)
    shown = f"snmp://{MARK}:161: {what.format(why=f'{MARK}: BER: 5 in a {MARK} file')}. {todo}"
    assert str(gap) == shown
    chinese = gap.render(translator("zh_CN"))
    assert chinese.isascii() is False
    assert chinese.count(MARK) == 3
    assert "conversation" not in chinese


@pytest.mark.parametrize(
    "gap",
    [
        GapError("refused", "unknown canary-1"),
        GapError("refused", "unknown {canary-1}", **{"canary-1": "x"}),
        GapError("refused", "unknown {number:06d}", number=123456),
        GapError("refused", "unknown {name!r}", name="a canary-1"),
        GapError("refused", "unknown", todo="Ask canary-1"),
    ],
)
def test_a_gap_whose_words_are_not_ours_is_free_text(gap: GapError) -> None:
    """What is not in the catalogue may be a device's: no secret is left, wherever it stands."""
    shown = str(Redactor(KEY, (b"canary-1", b"123456")).gap(gap))
    assert "canary-1" not in shown
    assert "123456" not in shown
    assert shown == Redactor(KEY, (b"canary-1", b"123456")).text(str(gap))


def test_the_redactor_shows_neither_key_nor_secrets() -> None:
    """A redactor in a log line or traceback gives nothing away."""
    shown = repr(Redactor(b"KEYCANARYKEYCANARY", (b"SECRETCANARY",)))
    assert "CANARY" not in shown


# --- bytes ----------------------------------------------------------------------------------------------------------


def long_form(oid: str, value: bytes) -> str:
    """Return a varbind with lengths longer than necessary, as some devices send it."""
    name = ber.oid_bytes(oid)
    inner = bytes((ber.OID, 0x81, len(name))) + name + bytes((ber.OCTET_STRING, 0x82, 0, len(value))) + value
    return (bytes((ber.SEQUENCE, 0x83, 0, 0, len(inner))) + inner).hex()


def test_what_needs_no_redaction_keeps_its_received_bytes() -> None:
    """Received bytes are the evidence: not even a length in an odd form is spelled anew."""
    items = (
        long_form(f"{COLUMN}.1", b"GigabitEthernet0/0/1"),
        varbind(f"{COLUMN}.2", ber.COUNTER64, b"\x00\x00\x00\x00\x01"),
        varbind(f"{COLUMN}.3", ber.NO_SUCH_INSTANCE, b""),
        octets(f"{COLUMN}.4", bytes(range(256))),
    )
    answer = VarBinds(varbinds=items)
    assert Redactor(KEY, (b"canary-1",)).redact(PLAIN, answer) == (answer, {})


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**32 - 1),
            st.sampled_from([ber.INTEGER, ber.OCTET_STRING, ber.COUNTER64, ber.NULL, ber.OPAQUE, ber.OID]),
            st.binary(max_size=300),
        ),
        max_size=8,
    )
)
def test_redaction_changes_values_and_nothing_else(cells: list[tuple[int, int, bytes]]) -> None:
    """Number, order, tags and OIDs stay; only octet strings of declared columns change, and twice gives the same."""
    answer = VarBinds(varbinds=tuple(varbind(f"{COLUMN}.{row}", tag, value) for row, tag, value in cells))
    shown, counts = Redactor(KEY).redact(MACS, answer)
    assert isinstance(shown, VarBinds)
    assert (shown, counts) == Redactor(KEY).redact(MACS, answer)
    changed = 0
    for before, after in zip(answer.varbinds, shown.varbinds, strict=True):
        old, new = ber.decode_varbind(bytes.fromhex(before)), ber.decode_varbind(bytes.fromhex(after))
        assert (old.oid, old.tag) == (new.oid, new.tag)
        assert before == after or old.tag == ber.OCTET_STRING
        changed += before != after
    assert sum(counts.values()) == changed


def test_values_of_a_get_are_found_by_their_oid() -> None:
    """A device that answers out of order does not get an address past its declaration."""
    request = SnmpGet(oids=("1.3.6.1.1.1.0", "1.3.6.1.1.2.0"), holds=(None, "mac"))
    mac = bytes.fromhex("488eef7166e0")
    answer = VarBinds(varbinds=(octets("1.3.6.1.1.2.0", mac), octets("1.3.6.1.1.1.0", mac)))
    shown, _ = Redactor(KEY).redact(request, answer)
    assert isinstance(shown, VarBinds)
    assert value_of(shown.varbinds[0]) != mac
    assert value_of(shown.varbinds[1]) == mac


@pytest.mark.parametrize("item", ["00", "3003060100", "zz", octets("1.3.6.1.99.1", b"not asked"), "30060601ff04017f"])
@pytest.mark.parametrize("request_", [MACS, SnmpGet(oids=(f"{COLUMN}.1",))], ids=["table", "get"])
def test_what_nothing_is_known_of_is_refused(item: str, request_: SnmpTable | SnmpGet) -> None:
    """Bytes that do not decode, and OIDs that nobody asked for, cannot be redacted: they are malformed, not kept."""
    with pytest.raises(MalformedError):
        Redactor(KEY).redact(request_, VarBinds(varbinds=(item,)))


# --- MQTT -----------------------------------------------------------------------------------------------------------


def message(topic: str, device: str, kind: str = "light") -> MqttMessage:
    """Return one message."""
    return MqttMessage(
        kind=kind, topic=topic, device=device, at="2026-11-22T01:02:03.004Z", retained=False, qos=0, size=3
    )


def test_device_names_leave_every_topic_level() -> None:
    """Two filters of one kind may name the device at different levels, and a topic may name it twice."""
    request = MqttListen(
        topics=(
            Topic(kind="light", filter="a/+/state", device_level=1),
            Topic(kind="light", filter="b/x/+/state", device_level=2),
        ),
        seconds=1,
    )
    answer = MqttMessages(
        messages=(
            message("a/zhang-desk/state", "zhang-desk"),
            message("b/x/zhang-desk/state", "zhang-desk"),
            message("b/li-desk/li-desk/state", "li-desk"),
        ),
        listened_ms=1000,
    )
    shown, counts = Redactor(KEY).redact(request, answer)
    assert isinstance(shown, MqttMessages)
    assert "desk" not in shown.to_bytes().decode()
    assert shown.messages[0].device == shown.messages[1].device != shown.messages[2].device
    assert shown.messages[0].topic == f"a/{shown.messages[0].device}/state"
    assert counts == {"mqtt-device": 3}


def test_a_secret_in_a_topic_is_marked() -> None:
    """A gateway that publishes under its password does not get it into the record."""
    request = MqttListen(topics=(Topic(kind="light", filter="a/#", device_level=1),), seconds=1)
    answer = MqttMessages(messages=(message("a/dev1/canary-7/state", "dev1"),), listened_ms=1)
    shown, counts = Redactor(KEY, (b"canary-7",)).redact(request, answer)
    assert b"canary-7" not in shown.to_bytes()
    assert counts["secret"] == 1


# --- texts in the index ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("holds", ["serial", "identifier"])
@pytest.mark.parametrize("length", [0, 5, 40, 60])
def test_a_text_in_the_index_keeps_its_length(holds: Holds, length: int) -> None:
    """A serial number after its length becomes as many other octets; what follows it and the length stay readable."""
    request = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.4.1.9.1"),), index=(IndexPart(at=2, length=-1, holds=holds),))
    octets_of = [70 + number % 20 for number in range(length)]
    index = ".".join(map(str, [1, length, *octets_of, 7]))
    answer = VarBinds(varbinds=(octets(f"1.3.6.1.4.1.9.1.{index}", "row"),))
    shown, _ = Redactor(KEY).redact(request, answer)
    assert isinstance(shown, VarBinds)
    found = ber.oid_tuple(ber.decode_varbind(bytes.fromhex(shown.varbinds[0])).oid)[8:]
    assert found[:2] == (1, length)
    assert found[-1] == 7
    assert len(found) == length + 3
    assert (found[2:-1] == tuple(octets_of)) == (holds == "identifier" or not length)


def test_a_text_that_is_shorter_than_it_says_is_hidden_whole() -> None:
    """An index that announces more than it has keeps nothing of what is there."""
    request = SnmpTable(
        columns=(SnmpColumn(oid="1.3.6.1.4.1.9.1"),), index=(IndexPart(at=1, length=-1, holds="serial"),)
    )
    answer = VarBinds(varbinds=(octets("1.3.6.1.4.1.9.1.12.70.71.72.73", "row"),))
    shown, _ = Redactor(KEY).redact(request, answer)
    assert isinstance(shown, VarBinds)
    found = ber.oid_tuple(ber.decode_varbind(bytes.fromhex(shown.varbinds[0])).oid)[8:]
    assert len(found) == 5
    assert not set(found[1:]) & {70, 71, 72, 73}

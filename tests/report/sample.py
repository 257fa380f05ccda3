"""A constructed bundle content for the report's tests: one school, one switch, three clauses, two days of traffic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent import ber, canonical
from agent.clock import time_text
from agent.model.asset import Asset
from agent.model.base import Text
from agent.model.campus import Campus, Declaration, Link, School
from agent.model.exchange import (
    Exchange,
    Gap,
    GapReason,
    MqttListen,
    MqttMessage,
    MqttMessages,
    Partial,
    SnmpColumn,
    SnmpGet,
    SnmpTable,
    Topic,
    VarBinds,
)
from agent.model.finding import Assessment, ClauseResult, Finding, Observation, Outcome, Reason, Window
from agent.model.metric import Metric, MetricKind
from agent.model.reading import Grade, Reading
from agent.model.standard import AtLeast, Band, Bands, Criterion, Example, Indicator, Measure, Standard
from agent.report import CheckLine, KeptExchange, ReportInput, RunLine

START = datetime(2026, 11, 18, 16, 0, tzinfo=UTC)
STEP = timedelta(minutes=15)
COUNT = 192
UPTIME = "1.3.6.1.2.1.1.3.0"
IN, OUT = "1.3.6.1.2.1.31.1.1.1.6.3", "1.3.6.1.2.1.31.1.1.1.10.3"
HIGH_SPEED, ALIAS = "1.3.6.1.2.1.31.1.1.1.15.3", "1.3.6.1.2.1.31.1.1.1.18.3"
SUBJECT = "egress:telecom"


def at(step: int) -> str:
    """Return the time of a sample."""
    return time_text(START + step * STEP)


def number(oid: str, tag: int, value: int) -> str:
    """Return one varbind of an integer type in hex."""
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return ber.encode_varbind(ber.oid_bytes(oid), tag, content).hex()


def octets(oid: str, value: bytes) -> str:
    """Return one varbind of an OCTET STRING in hex."""
    return ber.encode_varbind(ber.oid_bytes(oid), ber.OCTET_STRING, value).hex()


def bits_per_second(step: int) -> tuple[int, int]:
    """Return a day that wakes at seven, peaks before noon and rests at night: in and out, in bit/s."""
    hour = (START + step * STEP + timedelta(hours=8)).hour
    load = 6 if hour < 7 or hour > 21 else 40 + 30 * min(hour - 6, 22 - hour)
    ripple = (step * 37) % 23
    return (load + ripple) * 1_000_000, (load // 4 + ripple // 2) * 1_000_000


def counters(alias: bytes = "电信专线 500M".encode("gb18030")) -> tuple[list[Exchange], list[Reading]]:
    """Return the polls of the egress port and what was read from them; six in the middle are missing."""
    exchanges, readings = [], []
    octets_in = octets_out = 9_000_000_000_000_000
    for step in range(COUNT):
        rate_in, rate_out = bits_per_second(step)
        octets_in += rate_in * 900 // 8
        octets_out += rate_out * 900 // 8
        if 100 <= step < 106:
            continue
        uptime = 1_000_000 + step * 90_000
        varbinds = (
            number(UPTIME, ber.TIME_TICKS, uptime),
            number(IN, ber.COUNTER64, octets_in),
            number(OUT, ber.COUNTER64, octets_out),
            number(HIGH_SPEED, ber.GAUGE32, 1000),
            octets(ALIAS, alias),
        )
        exchange = Exchange(
            n=step,
            at=at(step),
            monotonic_ns=str(step * 900_000_000_000),
            request=SnmpGet(oids=(UPTIME, IN, OUT, HIGH_SPEED, ALIAS)),
            response=VarBinds(varbinds=varbinds),
        )
        exchanges.append(exchange)
        for metric, value, unit in (
            ("link.uptime", uptime, "cs"),
            ("link.octets.in", octets_in, "By"),
            ("link.octets.out", octets_out, "By"),
            ("link.speed", 1000, "Mbit/s"),
        ):
            readings.append(
                Reading(
                    metric=metric,
                    subject=SUBJECT,
                    value=str(value),
                    unit=unit,
                    at=at(step),
                    grade=Grade.REPORTED,
                    sources=(exchange.digest(),),
                )
            )
    return exchanges, readings


def table_exchange(alias: bytes = b"uplink") -> Exchange:
    """Return a walk of 40 ports that a timeout cut short."""
    names = tuple(octets(f"1.3.6.1.2.1.31.1.1.1.1.{row}", f"GE1/0/{row}".encode()) for row in range(1, 41))
    aliases = tuple(octets(f"1.3.6.1.2.1.31.1.1.1.18.{row}", alias) for row in range(1, 41))
    return Exchange(
        n=500,
        at=at(COUNT),
        monotonic_ns="1",
        request=SnmpTable(
            columns=(SnmpColumn(oid="1.3.6.1.2.1.31.1.1.1.1"), SnmpColumn(oid="1.3.6.1.2.1.31.1.1.1.18")),
        ),
        response=VarBinds(
            varbinds=names + aliases, partial=(Partial(column="1.3.6.1.2.1.31.1.1.1.18", reason="timeout"),)
        ),
        redactions={"mac": 40},
    )


def gap_exchange(detail: str = "core-sw2: no answer to 3 tries in 9.0 s") -> Exchange:
    """Return a device that did not answer."""
    gap = Gap(reason=GapReason.UNREACHABLE, detail=detail)
    return Exchange(n=501, at=at(COUNT), monotonic_ns="2", request=SnmpGet(oids=(UPTIME,)), gap=gap)


def mqtt_exchange(topic: str = "school/light/p-1a2b/state") -> Exchange:
    """Return a bounded listening to a broker."""
    return Exchange(
        n=502,
        at=at(COUNT),
        monotonic_ns="3",
        request=MqttListen(topics=(Topic(kind="lighting", filter="school/light/+/state", device_level=2),), seconds=60),
        response=MqttMessages(
            messages=(
                MqttMessage(kind="lighting", topic=topic, device="p-1a2b", at=at(COUNT), retained=True, qos=0, size=42),
            ),
            listened_ms=60_000,
        ),
    )


def text(english: str, chinese: str) -> Text:
    """Return a text in both languages."""
    return Text(en=english, zh=chinese)


READING = text(
    "M is read as Mbit/s; the smaller of line speed and contract decides.",
    "“M”按 Mbit/s 理解；以线路速率与合同带宽中较小者为准。",
)
REMEDY = text(
    "Enter the bandwidth contract in the campus file and attach its digest.",
    "在校园文件中填写宽带合同，并附上合同文件的摘要。",
)


def standard() -> Standard:
    """Return a small pack that the assessment below was judged by."""
    measure = Measure(
        metric="link.speed",
        subjects=("egress",),
        over_time="median",
        over_subjects="sum",
        unit="Mbit/s",
        min_samples=100,
        min_days=2,
        min_coverage="0.9",
    )
    example = Example(name="none", outcome=Outcome.INCONCLUSIVE)
    bands = tuple(
        Band(at_least=floor, points=points)
        for floor, points in (("500", "8"), ("400", "6"), ("300", "4"), ("200", "2"))
    )
    banded = Criterion(
        id="egress",
        title=text("Bandwidth of the Internet line", "互联网出口带宽"),
        measure=measure,
        judge=Bands(bands=bands),
        reading=READING,
        remedy=REMEDY,
        examples=(example,),
    )
    part = banded.model_copy(
        update={"id": "class", "title": text("Ports in classrooms", "教室端口"), "judge": AtLeast(threshold="100")}
    )
    return Standard(
        id="example-2026",
        version="1.0.0",
        title=text("Example smart-campus standard", "智慧校园示例标准"),
        document=text("Example document of 2026", "2026 年示例文件"),
        total="100",
        indicators=(
            Indicator(
                id="1.1",
                title=text("Internet access", "网络接入"),
                points="8",
                award="scale",
                criteria=(banded,),
            ),
            Indicator(
                id="1.2",
                title=text("Gigabit to school, 100M to class", "校园网络到班"),
                points="2",
                award="all-parts",
                criteria=(part,),
            ),
        ),
    )


def observation(subject: str, sources: tuple[str, ...], **changes: object) -> Observation:
    """Return an observation of the line speed."""
    fields: dict[str, object] = {
        "metric": "link.speed",
        "subject": subject,
        "statistic": "median",
        "value": "450",
        "unit": "Mbit/s",
        "expected": COUNT,
        "valid": COUNT - 6,
        "coverage": "0.9688",
        "excluded": {"missing": 6},
        "grade": Grade.REPORTED,
        "sources": sources,
    }
    return Observation.model_validate({**fields, **changes})


def clauses(polls: tuple[str, ...], table: str, gap: str, mqtt: str) -> tuple[ClauseResult, ...]:
    """Return a clause that is partly met, one not met, one undecided."""
    p95 = observation(
        SUBJECT,
        polls[4:6],
        metric="link.octets.in",
        statistic="p95",
        value="289",
        excluded={"gap": 1},
        coverage="0.9895",
    )
    banded = Finding(
        criterion="egress",
        outcome=Outcome.PARTIALLY_SATISFIED,
        grade=Grade.REPORTED,
        value="450",
        unit="Mbit/s",
        decided_by="sum: link.speed median",
        threshold="400",
        reading=READING,
        remedy=REMEDY,
        observations=(observation(SUBJECT, polls), p95),
    )
    classes = Finding(
        criterion="class",
        outcome=Outcome.NOT_SATISFIED,
        grade=Grade.REPORTED,
        value="10",
        unit="Mbit/s",
        threshold="100",
        reading=READING,
        remedy=text("Replace the 10M switches in rooms 103 and 104.", "更换 103、104 教室的 10M 交换机。"),
        observations=(observation("classroom:103", (table,), value="10", excluded={}),),
    )
    dark = Finding(
        criterion="iot",
        outcome=Outcome.INCONCLUSIVE,
        reason=Reason.UNREACHABLE,
        reading=READING,
        remedy=text("Let the agent reach core-sw2 (UDP 161).", "放行采集程序到 core-sw2 的 UDP 161。"),
        observations=(
            observation("asset:core-sw2", (gap, mqtt), value=None, valid=0, coverage="0", grade=None, excluded={}),
        ),
    )
    return (
        ClauseResult(
            clause="1.1",
            title=text("Internet access", "网络接入"),
            outcome=Outcome.PARTIALLY_SATISFIED,
            grade=Grade.REPORTED,
            points="8",
            points_proven="6",
            points_open="0",
            findings=(banded,),
        ),
        ClauseResult(
            clause="1.2",
            title=text("Gigabit to school, 100M to class", "校园网络到班"),
            outcome=Outcome.NOT_SATISFIED,
            points="2",
            points_proven="0",
            findings=(banded.model_copy(update={"outcome": Outcome.SATISFIED}), classes),
            points_open="0",
            grade=Grade.REPORTED,
        ),
        ClauseResult(
            clause="1.3",
            title=text("Internet of Things", "物联网"),
            outcome=Outcome.INCONCLUSIVE,
            reason=Reason.UNREACHABLE,
            points="3",
            points_proven="0",
            points_open="3",
            findings=(dark,),
        ),
    )


def campus(name: str = "谯城区第一小学") -> Campus:
    """Return a campus with one Internet line whose contract is declared."""
    contract = Declaration(
        value="450",
        by="network office",
        at="2026-09-01T08:00:00+08:00",
        why="contract 2026-17",
        document="sha256:" + "ab" * 32,
    )
    return Campus(
        version="1",
        school=School(id="qc-1", name=name),
        assets=(Asset(id="core-sw1", family="h3c-comware", address="192.0.2.1"),),
        links=(Link(id="telecom", role="egress", asset="core-sw1", port="GE1/0/3", contract_mbps=contract),),
    )


def metric(name: str, english: str, chinese: str, **changes: object) -> Metric:
    """Return a metric."""
    fields: dict[str, object] = {"name": name, "kind": MetricKind.GAUGE, "unit": "Mbit/s"}
    return Metric.model_validate(
        {**fields, "title": text(english, chinese), "meaning": text(f"{english}.", f"{chinese}。"), **changes}
    )


def report(
    alias: bytes = "电信专线 500M".encode("gb18030"),
    detail: str = "core-sw2: no answer to 3 tries in 9.0 s",
    topic: str = "school/light/p-1a2b/state",
    school: str = "谯城区第一小学",
) -> ReportInput:
    """Return the whole input; the arguments are texts that a device or a person could write."""
    polls, readings = counters(alias)
    table, gap, mqtt = table_exchange(alias), gap_exchange(detail), mqtt_exchange(topic)
    exchanges = {
        each.digest(): KeptExchange(each, f"raw/{canonical.digest(asset.encode())[7:]}", each.n + 2, asset)
        for asset, each in [
            *(("core-sw1", poll) for poll in polls),
            ("core-sw1", table),
            ("core-sw2", gap),
            ("mqtt", mqtt),
        ]
    }
    results = clauses(tuple(poll.digest() for poll in polls[90:102]), table.digest(), gap.digest(), mqtt.digest())
    return ReportInput(
        assessments=(
            Assessment(
                standard="example-2026",
                version="1.0.0",
                pack="sha256:" + "5c" * 32,
                window=Window(since=at(0), until=at(COUNT)),
                clauses=results,
                points_proven="6",
                points_open="3",
                points_judged="13",
                points_total="100",
            ),
        ),
        readings=tuple(readings),
        exchanges=exchanges,
        campus=campus(school),
        runs=(
            RunLine(0, "enrol", at(0), at(0), "sha256:" + "01" * 32, at(0), "challenged"),
            RunLine(1, "run", at(1), at(1), "sha256:" + "02" * 32, at(2), "challenged"),
            RunLine(2, "run-abort", at(3), at(3), "sha256:" + "03" * 32, at(90), "deferred", "deadline"),
            RunLine(3, "assessment", at(COUNT), at(COUNT), "sha256:" + "04" * 32),
        ),
        checks=(
            CheckLine("signature", ok=True, detail="4 envelopes, key 1e35de16"),
            CheckLine("chain", ok=True, detail="entries 0 to 3"),
            CheckLine("recompute", ok=True, detail="744 readings, 4 findings"),
        ),
        bundle="sha256:" + "be" * 32,
        bundle_name="qc-1-2026-11.zip",
        metrics=(
            metric("link.speed", "line speed", "线路速率", source="IF-MIB::ifHighSpeed", collector="interfaces"),
            metric(
                "link.octets.in", "octets received on the line", "线路接收字节数", kind=MetricKind.COUNTER, unit="By"
            ),
        ),
        standards=(standard(),),
    )

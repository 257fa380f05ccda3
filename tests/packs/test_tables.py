"""Tables of rooms: every way that schools save them, read alike; and every fault, by file and cell."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import canonical
from agent.errors import AgentError, ConfigError
from agent.model.room import EQUIPMENT, ROOM_KINDS, Equipment, Room
from agent.packs import room_words
from agent.packs.load import config_directory, load_campus, parse_campus
from agent.packs.rooms import read_rooms
from agent.packs.tables import cell_name, read_table
from agent.packs.yaml_source import PackError

if TYPE_CHECKING:
    from pathlib import Path

CSV = "编号,类别,座位数,中控\n101,教室,48,hub\n机房1,计算机教室,50,sw1:GE1/0/7*2；屏\n"
ROWS = [
    ["编号", "类别", "座位数", "中控"],
    ["101", "教室", "48", "hub"],
    ["机房1", "计算机教室", "50", "sw1:GE1/0/7*2;屏"],
]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("gbk"),
        CSV.encode("gb18030"),
        CSV.encode("utf-16"),
        CSV.replace("\n", "\r\n").encode("gbk"),
        CSV.replace(",", ";").replace("；", "、").replace("屏", "屏").encode(),
        CSV.replace(",", "\t").encode("utf-16"),
        CSV.replace(",", "，").encode("gbk"),
        CSV.replace("101", '" 101\n"').encode(),
        CSV.replace("101", "１０１").encode(),
    ],
    ids=["utf-8", "bom", "gbk", "gb18030", "utf-16", "crlf", "semicolons", "tabs", "chinese-commas", "quoted", "wide"],
)
def test_csv_of_any_spreadsheet_program(data: bytes) -> None:
    """Encodings, separators, line ends and full-width digits make no difference to what is read."""
    rows = [[cell.replace("、", ";") for cell in row] for row in read_table(data, "rooms.csv")]
    assert rows == ROWS


def workbook(
    sheet: str, *, shared: str = "", main: str = MAIN, sheets: str = "", more: dict[str, str] | None = None
) -> bytes:
    """Return a workbook with this sheet data, as the programs of offices pack it."""
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    listed = sheets or '<sheet name="房间" sheetId="1" r:id="rId1"/>'
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": (
            '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
            '<Relationship Id="rId2" Target="/xl/worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        **({"xl/sharedStrings.xml": f'<sst xmlns="{main}">{shared}</sst>'} if shared else {}),
        **(more or {}),
    }
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


SHEET = """
<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><r><t>座</t></r><r><t>位</t></r></is></c></row>
<row r="4"><c r="A4"><v>101</v></c><c r="B4" t="str"><f>"x"</f><v>教室</v></c>
<c t="b"><v>1</v></c><c><v>4.8E1</v></c></row>
<row/><row><c><v>102.0</v></c><c r="B6"/></row>
"""
SHARED = "<si><r><t>编</t></r><r><t>号</t></r><rPh sb='0' eb='1'><t>bianhao</t></rPh></si>"


@pytest.mark.parametrize("main", [MAIN, STRICT])
def test_cells_of_a_workbook(main: str) -> None:
    """Shared, inline and calculated text, numbers, yes and no, gaps of rows and cells, phonetic hints left out."""
    rows = read_table(workbook(SHEET, shared=SHARED, main=main), "rooms.xlsx")
    assert rows == [[], ["编号", "", "座位"], [], ["101", "教室", "true", "48"], [], ["102", ""]]


def test_hidden_sheets_are_passed_over() -> None:
    """The first sheet that a person sees is the list."""
    sheets = '<sheet name="a" sheetId="1" state="hidden" r:id="rId9"/><sheet name="b" sheetId="2" r:id="rId2"/>'
    assert read_table(workbook(SHEET, shared=SHARED, sheets=sheets), "x")[1][0] == "编号"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "rooms: this is an old workbook"),
        (b"PK\x03\x04broken", "rooms: not a readable workbook"),
        (workbook(SHEET, shared=SHARED)[:-30], "rooms: not a readable workbook"),
        (workbook(SHEET), "rooms A2: the cell's text is missing"),
        (workbook('<row><c t="e"><v>#REF!</v></c></row>'), "rooms : the cell holds an error: #REF!"),
        (workbook('<row r="3"/><row r="2"/>'), "rooms: row 2 is out of order"),
        (workbook('<row r="999999999999999999999"/>'), "rooms: row 99999999999999999999 is out of order"),
        (workbook('<row><c r="B1"/><c r="A1"/></row>'), "rooms A1: the cell is out of order"),
        (workbook('<row><c r="ZZZ1"/></row>'), "rooms ZZZ1: the cell is out of order"),
        (workbook("<row><c>"), "rooms xl/worksheets/sheet1.xml: not valid XML"),
        (workbook("", sheets="<x/>"), "rooms: the workbook shows no sheet"),
        (workbook("", sheets='<sheet r:id="rId7"/>'), "rooms: the workbook's first sheet is missing"),
        (workbook("<a>" * 100 + "</a>" * 100), "rooms xl/worksheets/sheet1.xml: nested deeper"),
        (
            workbook("", more={"xl/workbook.xml": '<!DOCTYPE x [<!ENTITY a "b">]><workbook>&a;</workbook>'}),
            "rooms xl/workbook.xml: a document type is not allowed",
        ),
        (workbook("<c/>" * 600_000), "rooms xl/worksheets/sheet1.xml: more than 500000 elements"),
        (workbook(" " * (33 << 20)), "rooms: xl/worksheets/sheet1.xml is larger than"),
        (b"a,b\n\xff\xfe\x00", "rooms:2: the file is neither UTF-8 nor GBK"),
        (b'a,b\n1,"2\n', "rooms A2: not a table of values"),
        (b"a,b\n1,\x00\n", "rooms"),
        (b"," * 300, "rooms KO1: the table is too large"),
        (b"a\n" * 10_001, "rooms A10001: the table is too large"),
        (b"a,\x1b[2J\n", "rooms B1: the cell holds a control character"),
        (b"a" * (9 << 20), "rooms: the file has 9437184 bytes"),
    ],
    ids=range(23),
)
def test_what_is_no_table_says_so(data: bytes, says: str) -> None:
    """Damage, bombs, entities and old formats end as one error that names the place."""
    with pytest.raises(ConfigError) as caught:
        read_table(data, "rooms")
    assert str(caught.value).startswith(says)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf"]))
def test_any_bytes_are_rows_or_our_error(data: bytes, head: bytes) -> None:
    """No file, however broken, leaks another exception."""
    with contextlib.suppress(AgentError):
        assert all(isinstance(cell, str) for row in read_table(head + data, "x") for cell in row)


@given(st.binary(max_size=40), st.integers(0, 10_000), st.sampled_from([workbook(SHEET, shared=SHARED)]))
def test_a_damaged_workbook_is_rows_or_our_error(noise: bytes, at: int, whole: bytes) -> None:
    """Whatever octets of it are overwritten."""
    place = at % len(whole)
    with contextlib.suppress(AgentError):
        read_table(whole[:place] + noise + whole[place + len(noise) :], "x")


@given(st.integers(0, 20_000))
def test_cells_are_named_as_spreadsheets_do(column: int) -> None:
    """Letters count in base 26 without a zero."""
    value = 0
    for letter in cell_name(6, column).removesuffix("7"):
        value = value * 26 + ord(letter) - 64
    assert value == column + 1
    assert [cell_name(0, n) for n in (0, 25, 26, 701, 702)] == ["A1", "Z1", "AA1", "ZZ1", "AAA1"]


def test_no_word_of_the_tables_means_two_things() -> None:
    """Every heading, kind, stage and grade in either language is one, and all kinds have a Chinese word."""
    for chinese, every in (
        (room_words._FIELDS | room_words._EQUIPMENT, (*room_words.FIELDS, *EQUIPMENT)),
        (room_words._KINDS, ROOM_KINDS),
        (room_words._STAGES, room_words.EVERY_STAGE),
    ):
        assert set(chinese) == set(every)
        words = [word for name, text in chinese.items() for word in {*map(room_words.folded, (name, *text.split()))}]
        assert len(words) == len(set(words))


def test_a_room_of_every_word() -> None:
    """Chinese headings and words become the campus file's own."""
    table = (
        "房间编号 *,房间类型,名称,楼栋,楼层,学段,年级,智慧教室,座位（个）,"
        "一体机,无线AP,录播,学生终端,电子班牌,公共终端\n"
        "101,教室,七一班,a,1,初中,初一,是,48,screen,sw1:GE1/0/7、sw1:GE1/0/8,无,sw1:GE1/0/9×30; 12,有,\n"
    )
    rooms, cells = read_rooms(table.encode(), "rooms.csv")
    assert rooms == (
        Room(
            id="101",
            kind="classroom",
            name="七一班",
            building="a",
            floor=1,
            stage="junior",
            grade=7,
            smart=True,
            seats=48,
            equipment=(
                Equipment(kind="display", asset="screen"),
                Equipment(kind="ap", switch="sw1", port="GE1/0/7"),
                Equipment(kind="ap", switch="sw1", port="GE1/0/8"),
                Equipment(kind="terminal", switch="sw1", port="GE1/0/9", count=30),
                Equipment(kind="terminal", count=12),
                Equipment(kind="class-board"),
            ),
        ),
    )
    assert cells["rooms", 0, "equipment", 3] == "M2"


def test_every_fault_of_a_table_names_its_cell() -> None:
    """Faults come together, in the order of the rows."""
    table = "编号,类别,楼层,智慧教室,座位数,年级,中控,\n101,教师,一,也许,-1,13,:x\n,教室,,,,,,多\n103,办公室,,,,3\n"
    with pytest.raises(PackError) as caught:
        read_rooms(table.encode("gbk"), "rooms.csv")
    assert [str(fault).partition(". ")[0] for fault in caught.value.faults] == [
        "rooms.csv B2: '教师' is no kind of room",
        "rooms.csv C2: '一' is not a whole number",
        "rooms.csv D2: '也许' is neither yes nor no",
        "rooms.csv E2: rooms[0].seats must be at least 0, not -1",
        "rooms.csv F2: rooms[0].grade must be at most 12, not 13",
        "rooms.csv G2: ':x' names nothing",
        "rooms.csv A3: the key 'id' is missing in rooms[1]",
        "rooms.csv H3: the cell stands below no heading",
        "rooms.csv A4: rooms[2]: only a classroom is the room of a class, and has a grade",
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "1,课室,",
            "B2: '课室' is no kind of room. Did you mean '教室'? Known: 教室 (classroom), 功能室 (subject-room), ",
        ),
        ("1,zzz,", "B2: 'zzz' is no kind of room. Known: 教室 (classroom), "),
        ("1,教室,初中部", "C2: '初中部' is no stage of a school. Did you mean '初中'? Known: 幼儿园 (kindergarten), "),
    ],
)
def test_an_unknown_word_is_answered_in_the_words_of_a_school(row: str, says: str) -> None:
    """Whoever writes Chinese kinds is told the Chinese kinds, not codes alone; one fault per slip."""
    with pytest.raises(PackError) as caught:
        read_rooms(f"编号,类别,学段\n{row}\n".encode(), "t")
    (fault,) = caught.value.faults
    assert str(fault).startswith(f"t {says}")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "t: the table is empty"),
        ("\n,,\n", "t: the table is empty"),
        ("编号,类型,类别\n", "t C1: two columns mean 'kind'"),
        ("编号,座位\n", "t A1: there is no column for 'kind'"),
        ("编号,类别,楼层数\n", "t C1: there is no column '楼层数'. Did you mean '楼层'?"),
    ],
)
def test_headings_are_checked_first(table: str, says: str) -> None:
    """A list without headings, with unknown or doubled ones says which."""
    with pytest.raises(PackError) as caught:
        read_rooms(table.encode(), "t")
    assert str(caught.value).startswith(says)


CAMPUS = """version: 1.0.0
school: { id: s, name: s }
buildings: [{ id: a }]
assets:
  - { id: sw1, family: generic-snmp, address: 192.0.2.1, room: "101" }
rooms_file: rooms.csv
links:
  - { id: l, role: classroom, asset: sw1, port: GE1, room: "102" }"""
TABLE = "编号,类别,楼栋,中控\n101,教室,a,sw1:GE1/0/7\n102,办公室,,\n"


def beside(directory: Path, campus: str = CAMPUS, table: str | None = TABLE) -> Path:
    """Write a campus file and its table."""
    path = directory / "campus.yaml"
    path.write_text(campus, encoding="utf-8")
    if table is not None:
        (directory / "rooms.csv").write_text(table, encoding="gbk")
    return path


def test_the_table_becomes_part_of_what_is_signed(tmp_path: Path) -> None:
    """The pack's bytes hold the rooms and the table's digest: a reviewer reads the same campus from them alone."""
    pack = load_campus(beside(tmp_path))
    assert [room.kind for room in pack.value.rooms] == ["classroom", "office"]
    assert pack.value.rooms_digest == canonical.digest((tmp_path / "rooms.csv").read_bytes())
    assert pack.digest == canonical.digest(pack.data)
    assert pack.data.startswith(CAMPUS.encode() + b"\n")
    assert parse_campus(pack.data, "campus.yaml").value == pack.value
    (tmp_path / "rooms.csv").unlink()
    (tmp_path / "campus.yaml").write_bytes(pack.data)
    assert load_campus(tmp_path / "campus.yaml").value == pack.value


def test_a_changed_table_is_another_campus_file(tmp_path: Path) -> None:
    """One seat more changes the digest that runs and assessments name."""
    first = load_campus(beside(tmp_path))
    second = load_campus(beside(tmp_path, table=TABLE + "103,办公室,,\n"))
    assert first.digest != second.digest


def test_a_campus_file_without_its_table_is_refused(tmp_path: Path) -> None:
    """Neither the agent nor a reviewer judges a school whose rooms were left out."""
    with pytest.raises(ConfigError, match=r"rooms\.csv: the file cannot be read"):
        load_campus(beside(tmp_path, table=None))
    with pytest.raises(PackError, match="the table of rooms is not read in here"):
        parse_campus(CAMPUS.replace(', room: "101"', "").replace(', room: "102"', "").encode(), "campus.yaml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rooms.csv\n", "../rooms.csv\n", "campus.yaml:6:13: '../rooms.csv' is not a file beside this one"),
        ("rooms.csv\n", "rooms.csv\nrooms: []\n", "campus.yaml:7:1: rooms and rooms_file exclude each other"),
        ('room: "102"', 'room: "109"', "campus.yaml:8:60: there is no room '109'"),
        ("{ id: a }", "{ id: b }", "rooms.csv C2: there is no building 'a'"),
        ("{ id: sw1,", "{ id: sw2,", "campus.yaml:8:38: there is no asset 'sw1'"),
        ("version: 1.0.0", "---\nversion: 1.0.0", ""),
        ('"102" }', '"102" }\n...', "campus.yaml:6:13: the rooms cannot be written behind the last line"),
    ],
)
def test_faults_around_the_table(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Each is named where a person can mend it: a line of the campus file, or a cell of the table."""
    path = beside(tmp_path, CAMPUS.replace(old, new))
    if not says:
        assert load_campus(path).value.rooms
        return
    with pytest.raises(PackError) as caught:
        load_campus(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(says)


def test_faults_of_equipment_name_the_cell(tmp_path: Path) -> None:
    """A slip in a switch's name shows in the spreadsheet, not in lines that nobody wrote."""
    with pytest.raises(PackError) as caught:
        load_campus(beside(tmp_path, table=TABLE.replace("sw1:", "sw9:")))
    assert str(caught.value).startswith("rooms.csv D2: there is no asset 'sw9'. Did you mean 'sw1'?")


def test_a_room_twice_names_both_cells(tmp_path: Path) -> None:
    """The second one, and where the first stands."""
    with pytest.raises(PackError) as caught:
        load_campus(beside(tmp_path, table=TABLE + "101,办公室,,\n"))
    assert str(caught.value) == "rooms.csv A4: rooms[2].id: '101' is given twice; first at rooms.csv A2"


def test_the_example_table_is_one() -> None:
    """What init hands out is read without a fault, and has the kinds that clauses ask for."""
    data = (config_directory() / "rooms.example.csv").read_bytes()
    rooms, _ = read_rooms(data, "rooms.example.csv")
    assert {room.kind for room in rooms} >= {"classroom", "computer-room", "office", "library", "activity"}


@pytest.mark.skipif(
    shutil.which("/usr/bin/python3") is None
    or subprocess.run(["/usr/bin/python3", "-c", "import openpyxl"], capture_output=True, check=False).returncode != 0,
    reason="needs the package python3-openpyxl",
)
def test_a_workbook_of_a_real_program(tmp_path: Path) -> None:
    """What another program's library writes is read as the same cells, numbers and yes included."""
    rows = [["编号", "类别", "座位数", "智慧教室"], [101, "教室", 48, True], ["机房 1", "计算机教室", 50.0, None]]
    script = (
        "import json, openpyxl, sys\nbook = openpyxl.Workbook()\n"
        "for row in json.loads(sys.argv[1]): book.active.append(row)\nbook.save(sys.argv[2])\n"
    )
    path = tmp_path / "rooms.xlsx"
    subprocess.run(["/usr/bin/python3", "-c", script, json.dumps(rows), str(path)], check=True, timeout=60)
    assert [[cell for cell in row if cell] for row in read_table(path.read_bytes(), path.name)] == [
        ["编号", "类别", "座位数", "智慧教室"],
        ["101", "教室", "48", "true"],
        ["机房 1", "计算机教室", "50"],
    ]

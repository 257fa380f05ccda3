"""What columns and cells of a list of rooms are called, in Chinese and English, as schools write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from agent.model.room import EQUIPMENT, ROOM_KINDS
from agent.model.rule import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["COLUMNS", "EVERY_STAGE", "FIELDS", "GRADES", "KINDS", "NO", "STAGES", "YES", "code_of", "folded", "named"]

K = TypeVar("K", bound=str)
_KINDS: Final = {
    "classroom": "教室 普通教室 班级教室",
    "subject-room": "功能室 功能教室 专用教室 学科教室 音乐教室 美术教室 地理教室 历史教室 书法教室",
    "laboratory": "实验室 物理实验室 化学实验室 生物实验室 科学实验室",
    "computer-room": "计算机教室 计算机房 微机室 信息技术教室 信息科技教室 电脑室",
    "innovation-room": "创新实验室 创客教室 创客空间 创新教室",
    "ai-room": "人工智能实验室 人工智能教室",
    "virtual-space": "虚实融合空间 虚拟现实教室",
    "recording-room": "录播室 录播教室 直播室",
    "studio": "演播室 校园电视台",
    "library": "图书馆 图书室 阅览室",
    "office": "办公室 教师办公室 会议室",
    "activity": "活动室 社团活动室",
    "hall": "礼堂 报告厅 体育馆 阶梯教室 多功能厅",
    "living": "宿舍 学生宿舍 教师宿舍",
    "canteen": "食堂 餐厅",
    "data-centre": "数据中心 网络机房 中心机房",
    "other": "其他",
}
_EQUIPMENT: Final = {
    "display": "交互式显示设备 交互式教学设备 交互式多媒体 一体机 电子白板 大屏 显示设备",
    "control": "中控 中控主机",
    "amplifier": "功放",
    "sound": "扩声 扩声设备",
    "casting": "无线投屏 投屏",
    "ap": "无线ap ap 无线接入点",
    "recording": "录播主机 录播设备 录播",
    "terminal": "终端 学生终端 计算机 电脑 平板",
    "public-terminal": "公共终端",
    "class-board": "电子班牌 班牌",
    "environment": "环境控制 环境控制设备",
    "sensor": "传感器",
    "information-display": "信息发布屏 信息屏",
    "book-cabinet": "图书柜 智能书柜",
    "reading-terminal": "阅读终端 电子阅读机",
    "disinfection": "消毒设备 图书消毒机",
    "robot": "机器人",
    "vr": "虚拟现实设备",
    "printer-3d": "3d打印机 三维打印机",
    "experiment": "实验套件",
    "studio": "演播设备",
}
_FIELDS: Final = {
    "id": "编号 房间 房间编号 房间号 教室编号 房号",
    "kind": "类别 房间类别 类型 房间类型",
    "name": "名称 房间名称",
    "building": "楼栋 楼 楼宇 建筑 教学楼",
    "floor": "楼层",
    "stage": "学段",
    "grade": "年级",
    "smart": "智慧教室",
    "seats": "座位 座位数",
}
_STAGES: Final = {
    "kindergarten": "幼儿园",
    "primary": "小学",
    "junior": "初中",
    "senior": "高中",
    "vocational": "中职 职高",
}
_DIGITS: Final = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]
_IGNORED: Final = re.compile(r"\([^)]*\)|[\s_\-*:]")


def folded(text: str) -> str:
    """Return a heading or word as it is compared: lower case, without spaces, marks and what stands in brackets."""
    return _IGNORED.sub("", text.lower())


def _words(known: Mapping[str, str], every: tuple[K, ...]) -> dict[str, K]:
    """Return spelling -> name, for the Chinese words and for the name itself."""
    return {folded(word): name for name in every for word in (str(name), *known[name].split())}


FIELDS: Final = tuple(_FIELDS)
COLUMNS: Final[dict[str, str]] = _words(_FIELDS, FIELDS) | _words(_EQUIPMENT, EQUIPMENT)
"""Heading -> field of a room, or kind of equipment."""
EVERY_STAGE: Final[tuple[Stage, ...]] = get_args(Stage)
KINDS: Final = _words(_KINDS, ROOM_KINDS)
STAGES: Final = _words(_STAGES, EVERY_STAGE)
GRADES: Final = (
    {f"{digit}年级": number for number, digit in enumerate(_DIGITS, 1)}
    | {f"{number}年级": number for number in range(1, 13)}
    | {f"初{digit}": number for number, digit in enumerate(_DIGITS[:3], 7)}
    | {f"高{digit}": number for number, digit in enumerate(_DIGITS[:3], 10)}
)
YES: Final = frozenset({"是", "有", "yes", "y", "true", "√", "✓", "✔"})
NO: Final = frozenset({"否", "无", "没有", "no", "n", "false", "/", "×", "0"})


def named(code: str, known: Mapping[str, str]) -> str:
    """Return a code with the Chinese word for it: `教室 (classroom)`."""
    words = (word for word, name in known.items() if name == code and word != folded(code))
    return f"{next(words)} ({code})"


def code_of(word: str, allowed: Collection[str]) -> str:
    """Return which of the allowed codes a word of a school means, or an empty text."""
    found = (known.get(folded(word), "") for known in (KINDS, STAGES, COLUMNS))
    return next((code for code in found if code in allowed), "")

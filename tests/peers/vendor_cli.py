"""Plays a vendor's paged command line on its own terminal; sshd starts it (ForceCommand) with a directory.

`scenario.json` there says what to play; every octet that arrives is appended to `typed`.

    {"prompt": "<SW>", "answers": {"display clock": "<base64>"}, "pager": "huawei", "rows": 10, ...}

It stands alone: the system's Python runs it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import tty
from pathlib import Path
from typing import Any, BinaryIO

PAGERS = {
    "huawei": (b"  ---- More ----", b"\x1b[42D" + b" " * 42 + b"\x1b[42D"),
    "cisco": (b" --More-- ", b"\b" * 10 + b" " * 10 + b"\b" * 10),
    "fortinet": (b"--More-- ", b"\r         \r"),
}
PAGING_OFF = (b"screen-length 0 temporary", b"screen-length disable", b"terminal length 0", b"more off")


def main() -> None:
    directory = Path(sys.argv[1])
    scenario = json.loads((directory / "scenario.json").read_text())
    typed = (directory / "typed").open("ab", buffering=0)
    tty.setraw(0)
    Player(scenario, typed).play()


class Player:
    def __init__(self, scenario: dict[str, Any], typed: BinaryIO) -> None:
        self.scenario = scenario
        self.typed = typed
        self.prompt = base64.b64decode(scenario["prompt"])
        self.paging = bool(scenario.get("pager"))
        self.commands = 0

    def play(self) -> None:
        self.say(base64.b64decode(self.scenario.get("banner", "")))
        if self.scenario.get("mute"):
            time.sleep(60)
        for question in self.scenario.get("questions", []):
            self.say(question.encode())
            self.line()
            self.say(b"\r\n")
        self.say(self.prompt)
        while True:
            command = self.line()
            self.say(b"\r\n")
            if command in (b"quit", b"exit"):
                return
            if command:
                self.answer(command)
            self.say(self.prompt)

    def answer(self, command: bytes) -> None:
        if command in PAGING_OFF:
            self.paging = bool(self.scenario.get("always_pages"))
            return
        self.commands += 1
        if self.scenario.get("new_prompt"):
            self.prompt = base64.b64decode(self.scenario["new_prompt"])
        time.sleep(self.scenario.get("delay", 0))
        if self.scenario.get("endless"):
            while True:
                self.page(b"again\r\n" * 3)
        if self.scenario.get("flood"):
            for _ in range(self.scenario["flood"]):
                os.write(1, b"x" * 1022 + b"\r\n")
        answers = self.scenario["answers"]
        text = answers.get(command.decode("latin-1"))
        if text is None:
            self.say(b"              ^\r\n% Unrecognized command found at '^' position.\r\n")
            return
        data = base64.b64decode(text)
        if self.scenario.get("drop"):
            self.say(data[: len(data) // 2])
            os._exit(0)
        rows = self.scenario.get("rows", 5)
        lines = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").splitlines(keepends=True)
        while lines:
            page, lines = lines[:rows], lines[rows:]
            if self.paging and lines:
                self.page(b"".join(page))
            else:
                self.say(b"".join(page))

    def page(self, text: bytes) -> None:
        mark, wipe = PAGERS[self.scenario["pager"]]
        self.say(text + mark)
        self.key()
        self.say(wipe)

    def line(self) -> bytes:
        line = b""
        while True:
            key = self.key()
            if key in (b"\r", b"\n"):
                return line
            line += key
            self.say(key)

    def key(self) -> bytes:
        key = os.read(0, 1)
        if not key:
            sys.exit()
        self.typed.write(key)
        return key

    def say(self, text: bytes) -> None:
        while text:
            text = text[os.write(1, text) :]


main()

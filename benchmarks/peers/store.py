"""One line a result, so that an interrupted run goes on where it stopped."""

import json
import os
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Results:
    """A file of JSON lines `{"key": ..., "found": ...}`; several processes may add to it at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "results.jsonl"
        self._found: dict[str, Record] = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                self._take(line)

    def get(self, key: Record) -> Record | None:
        return self._found.get(_word(key))

    def add(self, key: Record, found: Record) -> None:
        self._found[_word(key)] = found
        line = json.dumps({"key": key, "found": found}) + "\n"
        # One write to a file opened for appending stays whole. It starts on a line of its own even
        # where another run was stopped within one.
        target = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(target, ("\n" + line).encode())
        finally:
            os.close(target)

    def _take(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            return  # empty, or where a run was stopped
        self._found[_word(entry["key"])] = entry["found"]


def _word(key: Record) -> str:
    return json.dumps(key, sort_keys=True)

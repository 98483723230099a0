"""The project's own papers agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def plain(requirement: str) -> str:
    """The name of a package as pip compares it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]).lower()


PINS = {
    plain(line): line.partition("==")[2]
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
}
RUN_TIME = [plain(requirement) for requirement in PROJECT["dependencies"]]
DEVELOPMENT = [plain(requirement) for requirement in PROJECT["optional-dependencies"]["dev"]]


@pytest.mark.parametrize("name", RUN_TIME + DEVELOPMENT)
def test_every_dependency_is_pinned_and_has_its_reason(name: str) -> None:
    assert name in PINS
    assert name in (ROOT / "docs" / "dependencies.md").read_text().lower().replace("_", "-")


@pytest.mark.parametrize("name", RUN_TIME)
def test_every_run_time_dependency_has_its_licence_listed(name: str) -> None:
    assert name in (ROOT / "THIRD_PARTY_LICENSES.md").read_text().lower().replace("_", "-")


def test_torch_is_pinned_without_a_local_version() -> None:
    # With one, only the index that has that very build could serve it.
    assert re.fullmatch(r"\d+\.\d+\.\d+", PINS["torch"])


def test_licence_and_version() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    import denoise_studio

    assert re.fullmatch(r"\d+\.\d+\.\d+", denoise_studio.__version__)

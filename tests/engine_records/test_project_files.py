"""Project files and presets: back as they were saved, and clear about what is wrong."""

import json

import numpy as np
import pytest
from builders import bilateral, noisy, region

from denoise_studio.core.errors import FormatError, StudioError
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.engine.presets import delete_preset, load_presets, save_preset
from denoise_studio.engine.project import Project, ProjectPicture, load_project, save_project
from denoise_studio.formats.files import file_sha256


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.npy", "b.npy"):
        np.save(folder / name, noisy(8, 8)[0])
    view = {"window": [400.0, 40.0], "zoom": 2.0, "note": "ä"}
    recipe = bilateral(region(Box(1, 2, 3, 4), sigma_x=2.0), strength=0.5)
    return (
        ProjectPicture(folder / "a.npy", file_sha256(folder / "a.npy"), recipe, view),
        ProjectPicture(folder / "b.npy", None, Recipe()),
    )


def test_there_and_back(pictures, tmp_path):
    project = Project(pictures, 1)
    path = tmp_path / "p.dstudio"
    save_project(project, path)
    assert load_project(path) == project
    body = json.loads(path.read_bytes())
    assert (body["format"], body["version"]) == ("denoise-studio-project", 1)
    assert [item["path"] for item in body["pictures"]] == ["pictures/a.npy", "pictures/b.npy"]
    save_project(Project(), path)
    assert load_project(path) == Project((), -1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.dstudio", "pictures"]


def test_a_folder_moved_as_a_whole(pictures, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "pictures").rename(tmp_path / "old" / "pictures")
    moved = ProjectPicture(tmp_path / "old" / "pictures" / "a.npy", pictures[0].sha256, Recipe())
    save_project(Project((moved,), 0), tmp_path / "old" / "p.dstudio")
    (tmp_path / "old").rename(tmp_path / "new")
    (found,) = load_project(tmp_path / "new" / "p.dstudio").pictures
    assert found.path == tmp_path / "new" / "pictures" / "a.npy"
    assert found.problem() == ""


def test_problems_are_told_picture_by_picture(pictures, tmp_path):
    save_project(Project(pictures, 0), tmp_path / "p.dstudio")
    np.save(pictures[0].path, noisy(8, 8, seed=1)[0])
    pictures[1].path.unlink()
    first, second = load_project(tmp_path / "p.dstudio").pictures
    assert first.problem() == "a.npy has changed since the project was saved."
    assert second.problem() == f"{second.path} does not exist."


def test_the_current_picture_exists(pictures, tmp_path):
    save_project(Project(pictures, 17), tmp_path / "p.dstudio")
    assert load_project(tmp_path / "p.dstudio").current == 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "x"}, "is not a project of Denoise Studio"),
        ({"version": 2}, "project of version 2; this program reads version 1"),
        ({"pictures": 3}, "not a valid project"),
        ({"pictures": [{"path": "a.npy"}]}, "not a valid project"),
        (
            {"pictures": [{"path": "x/a.npy", "recipe": {}}]},
            "picture a.npy: This is not a Denoise Studio recipe",
        ),
        ({"current": None}, "not a valid project"),
    ],
)
def test_broken_projects(pictures, tmp_path, change, text):
    path = tmp_path / "p.dstudio"
    save_project(Project(pictures, 0), path)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    with pytest.raises(StudioError, match=text):
        load_project(path)


def test_files_that_are_no_projects(tmp_path):
    path = tmp_path / "p.dstudio"
    for content in (b"", b"[]", b"\xff", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(FormatError, match="is not a project"):
            load_project(path)
    with pytest.raises(FormatError, match="no such file"):
        load_project(tmp_path / "none.dstudio")


def test_a_picture_is_never_overwritten(pictures, tmp_path):
    content = pictures[0].path.read_bytes()
    with pytest.raises(FormatError, match="never overwritten"):
        save_project(Project(pictures, 0), pictures[0].path)
    assert pictures[0].path.read_bytes() == content
    with pytest.raises(FormatError, match="does not exist"):
        save_project(Project(pictures, 0), tmp_path / "none" / "p.dstudio")


def test_presets_there_and_back(tmp_path):
    folder = tmp_path / "not yet" / "presets"
    assert load_presets(folder) == []
    recipe = bilateral(region(Box(1, 2, 3, 4), sigma_x=2.0), strength=0.5).replace(noise_level=3.0)
    save_preset(folder, "  Liver,   soft ", recipe)
    save_preset(folder, "air", Recipe())
    save_preset(folder, "Größe/..", recipe, keep_regions=True)
    expected = recipe.replace(device="auto")
    assert load_presets(folder) == [
        ("air", Recipe()),
        ("Größe/..", expected),
        ("Liver, soft", expected.replace(regions=())),
    ]
    assert {path.parent for path in folder.rglob("*.json")} == {folder}


def test_presets_are_replaced_and_forgotten_by_name(tmp_path):
    save_preset(tmp_path, "a", Recipe())
    save_preset(tmp_path, "a", Recipe(strength=0.5))
    save_preset(tmp_path, "A", Recipe(strength=0.25))
    assert [recipe.strength for _, recipe in load_presets(tmp_path)] == [0.25, 0.5]
    delete_preset(tmp_path, "a")
    delete_preset(tmp_path, "nobody")
    assert [name for name, _ in load_presets(tmp_path)] == ["A"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_names_that_presets_cannot_have(tmp_path, name):
    with pytest.raises(FormatError, match="needs a name"):
        save_preset(tmp_path, name, Recipe())
    assert list(tmp_path.iterdir()) == []


def test_broken_presets_are_skipped_with_a_line(tmp_path, caplog):
    good = save_preset(tmp_path, "good", Recipe())
    body = json.loads(good.read_bytes())
    for name, content in {
        "broken.json": "{",
        "other.json": "[]",
        "later.json": json.dumps(body | {"version": 2}),
        "nameless.json": json.dumps(body | {"name": 3}),
        "wrong.json": json.dumps(body | {"recipe": {"strength": 2}}),
    }.items():
        (tmp_path / name).write_text(content)
    assert load_presets(tmp_path) == [("good", Recipe())]
    assert len(caplog.records) == 5
    assert "the preset later.json is skipped: It has version 2, not 1." in caplog.messages


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FormatError, match="Cannot make"):
        save_preset(tmp_path / "file" / "presets", "a", Recipe())

"""The newest edit wins, jobs can be cancelled, and the window closes whatever runs."""

import threading

import numpy as np
import pytest
from driving import CT, PHOTO, small_floats, small_photo
from PySide6.QtCore import Qt

from denoise_studio.core.parameter import Values
from denoise_studio.formats import SaveOptions
from denoise_studio.gui import pictures


def ask(studio, method, **values):
    document = studio.document
    recipe = document.recipe.replace(method=method, parameters=Values(values))
    document.edit(recipe, f"{method} {values}", document.begin_gesture())
    return document.wanted_id


@pytest.fixture
def watched(studio_window, tmp_path):
    """The window with a small picture, and every response it accepted."""
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    document, accepted = studio_window.document, []
    document.response_changed.connect(lambda: accepted.append(document.response))
    yield studio_window, accepted
    document.response_changed.disconnect()


def test_an_overtaken_request_is_never_accepted(watched, slow):
    studio, accepted = watched
    first = ask(studio, "slow-test", amount=-5.0)
    studio.until(slow.entered.is_set)
    second = ask(studio, "slow-test", amount=2.0)
    assert second > first
    slow.release()
    studio.finish()
    assert {response.id for response in accepted} == {second}
    assert np.array_equal(studio.shown().pixels, studio.document.picture.pixels + np.float32(2))


def test_responses_of_an_overtaken_request_that_are_under_way_are_dropped(watched, slow):
    """The lane has sent A's news before B was asked for, but the window sees it only afterwards."""
    studio, accepted = watched
    document, window = studio.document, studio.window
    document.edit(
        document.recipe.replace(method="slow-test", parameters=Values({"amount": 3.0})),
        "a",
        document.begin_gesture(),
    )
    first = document.wanted_id
    # Not one turn of the event loop until A is through: its response waits in the queue.
    assert window.bridge.session.lane.wait_idle(30)
    second = ask(studio, "slow-test", amount=4.0)
    studio.finish()
    assert first not in {response.id for response in accepted}
    assert {response.id for response in accepted} == {second}
    assert np.array_equal(studio.shown().pixels, document.picture.pixels + np.float32(4))


def test_an_error_of_an_overtaken_request_is_dropped(watched, slow):
    studio, _ = watched
    ask(studio, "slow-test", amount=99.0)
    studio.until(slow.entered.is_set)
    ask(studio, "slow-test", amount=1.0)
    slow.release()
    studio.finish()
    assert "the test wants it so" not in studio.window.status.under_cursor.text()
    assert studio.compare.after.state.text() == ""


def test_an_error_that_waits_in_the_queue_is_dropped_too(watched, slow):
    studio, _ = watched
    slow.release()
    ask(studio, "slow-test", amount=99.0)
    assert studio.window.bridge.session.lane.wait_idle(30)
    ask(studio, "slow-test", amount=1.0)
    studio.finish()
    assert "the test wants it so" not in studio.window.status.under_cursor.text()


def test_an_error_is_told_and_the_program_goes_on(watched, slow):
    studio, _ = watched
    slow.release()
    ask(studio, "slow-test", amount=99.0)
    studio.until(lambda: "the test wants it so" in studio.window.status.under_cursor.text())
    assert studio.after.state.text() == "not possible"
    assert not studio.window.readouts_panel.table.isEnabled()
    ask(studio, "slow-test", amount=1.0)
    studio.finish()
    assert studio.after.state.text() == ""


def test_controls_stay_enabled_while_a_method_runs_and_each_edit_is_taken(watched, slow):
    studio, accepted = watched
    panel = studio.window.method_panel
    ask(studio, "slow-test", amount=-5.0)
    studio.until(slow.entered.is_set)
    row = studio.row("amount")
    for widget in (panel, panel.methods, row.slider, row.spin, studio.row("strength").slider):
        assert widget.isEnabled()
    assert all(button.isEnabled() for button in studio.window.regions_panel.buttons.values())
    assert studio.action("export").isEnabled()
    assert studio.action("undo").isEnabled()
    studio.until(lambda: "…" in studio.after.state.text())
    for amount in ("3", "5", "7"):
        studio.type_into(row.spin, amount)
    studio.action("undo").trigger()  # typed in quick succession: one step, back to the blocking request
    studio.action("redo").trigger()
    slow.release()
    studio.finish()
    assert {response.id for response in accepted} == {studio.document.wanted_id}
    assert np.array_equal(studio.shown().pixels, studio.document.picture.pixels + np.float32(7))


def test_the_real_slow_method_is_overtaken_by_a_fast_one(studio_window):
    """Non-local means over a photograph at the largest search radius takes seconds."""
    studio = studio_window
    studio.open(PHOTO)
    document, accepted = studio.document, []
    document.response_changed.connect(lambda: accepted.append(document.response))
    first = ask(studio, "nlm", search_radius=20, patch_radius=5)
    lane = studio.window.bridge.session.lane
    studio.until(lambda: lane._running is not None)
    second = ask(studio, "bilateral", sigma_x=0.8, sigma_y=0.8)
    studio.finish()
    final = [response for response in accepted if response.id == second]
    assert final
    assert final[-1].recipe.method == "bilateral"
    last_of_first = max((i for i, r in enumerate(accepted) if r.id == first), default=-1)
    assert last_of_first < accepted.index(final[0])
    assert not any(response.id == first and response.complete for response in accepted)
    document.response_changed.disconnect()


def test_switching_pictures_while_one_is_rendered(studio_window, tmp_path, slow):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"), small_photo(tmp_path / "b.png"))
    window = studio.window
    window.show_index(0)
    studio.finish()
    ask(studio, "slow-test", amount=-5.0)
    studio.until(slow.entered.is_set)
    window.show_index(1)
    slow.release()
    studio.finish()
    assert studio.document.picture.name == "b.png" or studio.document.path.name == "b.png"
    assert studio.document.is_final
    assert not window.documents[0].is_final  # its request was given up; it is asked for again when shown
    window.show_index(0)
    studio.finish()
    assert np.array_equal(studio.shown().pixels, studio.document.picture.pixels - np.float32(5))


def test_an_export_can_be_cancelled_and_leaves_nothing(studio_window, tmp_path, slow):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    ask(studio, "slow-test", amount=-5.0)
    studio.until(slow.entered.is_set)
    target = tmp_path / "out" / "saved.png"
    target.parent.mkdir()
    studio.window.files.export(studio.document, target)
    studio.until(studio.window.status.cancel.isVisible)
    studio.qtbot.mouseClick(studio.window.status.cancel, Qt.MouseButton.LeftButton)
    slow.release()
    studio.files_done()
    studio.finish()
    assert list(target.parent.iterdir()) == []
    assert "Cancelled" in studio.window.status.under_cursor.text()
    assert not studio.window.status.cancel.isVisible()
    assert not studio.dialogs()
    studio.export(target)  # and it works the next time
    assert target.is_file()


def test_opening_can_be_cancelled(studio_window, tmp_path, monkeypatch):
    studio = studio_window
    entered, gate = threading.Event(), threading.Event()
    real = pictures.open_picture

    def waiting(path, progress=None):
        entered.set()
        assert gate.wait(60)
        progress.check()
        return real(path, progress)

    monkeypatch.setattr(pictures, "open_picture", waiting)
    studio.open(small_photo(tmp_path / "photo.png"), wait=False)
    studio.until(entered.is_set)
    studio.until(studio.window.status.cancel.isVisible)
    studio.window.status.cancel.click()
    gate.set()
    studio.files_done()
    assert studio.window.documents == []
    assert not studio.dialogs()


def test_the_window_closes_while_the_real_slow_method_runs(studio_window):
    studio = studio_window
    studio.open(CT)
    ask(studio, "nlm", search_radius=20, patch_radius=5)
    lane = studio.window.bridge.session.lane
    studio.until(lambda: lane._running is not None)
    studio.window.close()
    assert not studio.window.isVisible()
    assert studio.window.bridge.join(60)
    assert all(not lane._thread.is_alive() for lane in studio.window.bridge.lanes)
    assert (
        studio.document.response is None
        or not studio.document.response.complete
        or not studio.document.is_final
    )


def test_the_window_closes_while_everything_runs(studio_window, tmp_path, slow):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    ask(studio, "slow-test", amount=-5.0)
    studio.until(slow.entered.is_set)
    studio.window.files.export(studio.document, tmp_path / "out.png", SaveOptions())
    studio.window.files.open([CT])
    studio.window.compare.refresh()
    studio.window.close()
    slow.release()
    assert studio.window.bridge.join(60)
    assert not (tmp_path / "out.png").exists()


def test_after_closing_nothing_more_is_asked_for(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    studio.window.close()
    studio.row("strength").slider.setValue(300)
    studio.window.files.open([CT])
    studio.window.compare.refresh()
    studio.qtbot.wait(1)
    assert studio.window.bridge.join(60)
    assert not studio.window.autosave.path.exists()


def test_a_picture_closed_while_it_is_rendered_stops_the_work(studio_window, tmp_path, slow):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png", 600, 600))
    ask(studio, "slow-test", amount=-5.0)
    studio.until(slow.entered.is_set)
    job = studio.window.bridge.session.lane._running
    picture = studio.document.picture
    studio.action("close-picture").trigger()
    assert job.progress.cancelled
    slow.release()
    studio.until(lambda: studio.window.bridge.idle)
    assert slow.calls.count(-5.0) == 1  # not the other cells
    assert studio.window.bridge.session.cache.peek(picture, "slow-test") is None
    assert studio.window.compare.isHidden()
    assert studio.window.welcome.isVisible()


def test_jobs_that_were_replaced_leave_no_trace(studio_window, tmp_path):
    """Hundreds of drawings during a drag must not pile up in the bridge."""
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    for step in range(40):
        studio.compare.set_zoom(1.0 + step / 40)
        studio.compare._order_all()
    studio.finish()
    assert len(studio.window.bridge._waiting) <= 4

"""What the declared actions do to the window."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Value, Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.display import default_levels, robust_levels
from denoise_studio.engine.offers import refusal
from denoise_studio.gui.dialogs import PreferencesDialog, about_dialog, shortcuts_dialog
from denoise_studio.gui.document import Document
from denoise_studio.gui.mouse import told
from denoise_studio.gui.panels.parameter_form import STRENGTH
from denoise_studio.gui.views.compare import Mode
from denoise_studio.gui.views.region_tools import Tool

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow


class WindowActions:
    """A method for every action id, with _ for -; `files` and `raw_tools` have more of them."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window

    def slot(self, id: str) -> Callable[..., Any] | None:
        """The method that carries out an action."""
        if id.startswith("window-"):
            return functools.partial(self._window.levels_bar.use_preset, int(id.removeprefix("window-")) - 1)
        name = id.replace("-", "_")
        rooms = (
            self, self._window.reading_room, self._window.files, self._window.raw_tools,
            self._window.series_tools, self._window.slices,
        )  # fmt: skip
        return next((getattr(room, f"do_{name}") for room in rooms if hasattr(room, f"do_{name}")), None)

    # Edit

    def do_undo(self) -> None:
        self._window.undo_group.undo()

    def do_redo(self) -> None:
        self._window.undo_group.redo()

    def do_copy_edit(self) -> None:
        """Give every open picture that the method takes this one's recipe, less values that do not fit."""
        window, current = self._window, self._window.document
        if current is None:
            return
        method = current.recipe.method
        rest = [document for document in window.documents if document is not current]
        others = [document for document in rest if not refusal(method, document.picture)]
        for document in others:
            document.edit(
                fitting(current.recipe, current.picture, document.picture),
                "copied edit",
                Document.begin_gesture(),
            )
        plural = "s" if len(others) != 1 else ""
        text = f"Copied this edit to {len(others)} other open picture{plural}; each can undo it."
        if len(others) < len(rest):
            text += f" {get_denoiser(method).name} does not take {len(rest) - len(others)} more."
        window.status.say(text)

    def do_remove_region(self) -> None:
        self._window.regions_panel.remove()

    def do_deselect(self) -> None:
        window = self._window
        if window.reading_room.leave_lecture():
            return
        if window.tools.tool is not Tool.NAVIGATE:
            window.tools.set_tool(Tool.NAVIGATE)
        elif window.document is not None and window.document.selected >= 0:
            window.document.select(-1)
        else:
            window.overlay.choose("")

    def do_preferences(self) -> None:
        dialog = PreferencesDialog(self._window.settings, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.accepted.connect(self._budget_changed)
        dialog.open()

    def _budget_changed(self) -> None:
        budget = self._window.settings.value.memory_mb * 2**20
        self._window.bridge.session.cache.budget_bytes = budget

    # View

    def do_side(self) -> None:
        self._window.compare.set_mode(Mode.SIDE)

    def do_wipe(self) -> None:
        self._window.compare.set_mode(Mode.WIPE)

    def do_difference(self) -> None:
        self._window.compare.set_mode(Mode.DIFFERENCE)

    def do_hold(self) -> None:
        """From the menu there is nothing to hold: look at the original until the next time."""
        self._window.compare.hold(not self._window.compare.holding)

    def do_fit(self) -> None:
        self._window.compare.fit()

    def do_one_to_one(self) -> None:
        self._window.compare.set_zoom(1.0)

    def do_zoom_in(self) -> None:
        self._window.compare.set_zoom(self._window.compare.viewport.zoom * 1.25)

    def do_zoom_out(self) -> None:
        self._window.compare.set_zoom(self._window.compare.viewport.zoom / 1.25)

    def do_auto_levels(self) -> None:
        document = self._window.document
        if document is not None:
            seen = self._window.compare.after.visible_rect().intersect(document.picture.rect)
            found = robust_levels(document.picture, seen or document.picture.rect)
            document.set_levels(replace(found, invert=document.levels.invert))

    def do_reset_levels(self) -> None:
        document = self._window.document
        if document is not None:
            document.set_levels(default_levels(document.picture))
            self._window.actions_["invert"].setChecked(False)

    def do_invert(self) -> None:
        document = self._window.document
        if document is not None:
            document.set_levels(replace(document.levels, invert=self._window.actions_["invert"].isChecked()))

    def do_histogram(self) -> None:
        self._turn("histogram")

    def do_readings(self) -> None:
        self._turn("readings")

    def do_sensor_plot(self) -> None:
        self._turn("sensor-plot")

    def do_strength_plot(self) -> None:
        self._turn("strength-plot")

    def do_measures(self) -> None:
        self._turn("measures")

    def do_noise_power(self) -> None:
        self._turn("noise-power")

    def do_sharpness(self) -> None:
        self._turn("sharpness")

    def do_profile(self) -> None:
        self._turn("profile")

    def do_match_noise(self) -> None:
        self._window.measure_room.match()

    def do_filter_here(self) -> None:
        self._turn("filter-here")

    def do_loss_curve(self) -> None:
        self._turn("loss-curve")

    def _turn(self, id: str) -> None:
        self._window.lower_area.show_panel(id, self._window.actions_[id].isChecked())

    def do_next_map(self) -> None:
        self._window.overlay.step()

    def do_inspector(self) -> None:
        window, document = self._window, self._window.document
        if document is not None:
            region = document.selected_region
            view = window.compare.after.visible_rect() if region is None else region.bounds()
            window.inspector.inspect(view.intersect(document.picture.rect))

    def do_theme(self) -> None:
        self._window.set_theme("light" if self._window.actions_["theme"].isChecked() else "dark")

    def do_next_picture(self) -> None:
        self._step(1)

    def do_previous_picture(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        window = self._window
        if window.document is not None:
            window.show_index((window.documents.index(window.document) + step) % len(window.documents))

    # Regions

    def do_tool_navigate(self) -> None:
        self._window.tools.set_tool(Tool.NAVIGATE)

    def do_tool_box(self) -> None:
        self._window.tools.set_tool(Tool.BOX)

    def do_tool_ellipse(self) -> None:
        self._window.tools.set_tool(Tool.ELLIPSE)

    def do_tool_polygon(self) -> None:
        self._window.tools.set_tool(Tool.POLYGON)

    def do_tool_brush(self) -> None:
        self._window.tools.set_tool(Tool.BRUSH)

    def do_brush_smaller(self) -> None:
        box = self._window.regions_panel.radius
        box.setValue(min(round(box.value() * 0.8), box.value() - 1))

    def do_brush_larger(self) -> None:
        box = self._window.regions_panel.radius
        box.setValue(round(box.value() * 1.25 + 0.5))

    # Help and the rest

    def do_shortcuts(self) -> None:
        dialog = shortcuts_dialog(self._window, told(self._window.compare.habits))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def do_about(self) -> None:
        document = self._window.document
        device = "none used yet"
        if document is not None and document.response is not None:
            device = document.response.device.name
        elif document is not None:
            device = devices.choose("cpu", get_denoiser(document.recipe.method)).name
        dialog = about_dialog(self._window, device)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def do_quit(self) -> None:
        self._window.close()


def fitting(recipe: Recipe, source: Picture, picture: Picture) -> Recipe:
    """A recipe made for one picture, for another.

    Values in the picture's own unit are scaled with it (60 HU is no 60 DN), an absolute noise
    level in another unit gives way to the estimate, and what is still out of range takes the
    picture's own default. Regions that lie outside the picture stay behind.
    """
    denoiser = get_denoiser(recipe.method)
    same = source.scale == picture.scale and source.span == picture.span
    share = picture.span / source.span

    def converted(values: Values) -> Values:
        result: dict[str, Value] = {}
        for name, value in values.items():
            if name != STRENGTH.name:
                parameter = denoiser.parameter(name)
                if parameter.unit == "value" and not same:
                    value = float(value) * share
                try:
                    value = parameter.checked(value, picture)
                except RecipeError:
                    continue
            result[name] = value
        return Values(result)

    regions = tuple(
        region.replace(parameters=converted(region.parameters))
        for region in recipe.regions
        if region.bounds().intersect(picture.rect)
    )
    noise = recipe.noise_level if same else None
    return recipe.replace(parameters=converted(recipe.parameters), regions=regions, noise_level=noise)

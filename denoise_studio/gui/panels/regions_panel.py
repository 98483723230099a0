"""The table of regions, and what differs inside the selected one: all of it by keyboard too."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.parameter import Values
from denoise_studio.core.region import Box, Region, Shape
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.noise_told import told_inside
from denoise_studio.gui.document import Document
from denoise_studio.gui.icons import icon
from denoise_studio.gui.maps import number
from denoise_studio.gui.panels.number_row import NumberRow
from denoise_studio.gui.panels.parameter_form import STRENGTH, ParameterForm
from denoise_studio.gui.panels.region_geometry import RegionGeometry
from denoise_studio.gui.panels.region_table import RegionTable, differences
from denoise_studio.gui.views.region_items import moved
from denoise_studio.gui.views.region_tools import RegionTools, Tool, free_name


class RegionsPanel(QWidget):
    """Adds, lists, edits and removes regions."""

    def __init__(self, tools: RegionTools, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tools = tools
        self._document: Document | None = None
        self._found: Mapping[str, float] = {}
        self._noise_scale: float | None = None
        self.buttons: dict[Tool, QToolButton] = {}
        self.table = RegionTable()
        self.detail = QWidget()
        self.feather = NumberRow("Feather", "Width of the soft edge, half of it inside and half outside.")
        self.form = ParameterForm(optional=True)
        self.placing = RegionGeometry()
        self.geometry_boxes = self.placing.boxes
        self.radius = QDoubleSpinBox()
        self.hint = QLabel("Draw a region to filter it in its own way.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 10)
        layout.setSpacing(6)
        layout.addLayout(self._tool_row())
        layout.addWidget(self.table)
        layout.addWidget(self.hint)
        layout.addWidget(self._build_detail())
        self.hint.setObjectName("quiet")
        self.hint.setWordWrap(True)
        tools.tool_changed.connect(self._show_tool)
        self.table.picked.connect(self._picked)
        self.table.renamed.connect(self._rename)
        self.table.removed.connect(self.remove)
        self.placing.placed.connect(self._place)
        self.refresh()

    # Building

    def _tool_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        tips = {
            Tool.BOX: ("Draw a box: drag over the picture (B)", "B"),
            Tool.ELLIPSE: ("Draw an ellipse: drag over the picture (E)", "E"),
            Tool.POLYGON: (
                "Draw a free shape: drag around it, or click its corners and double-click the last (P)",
                "P",
            ),
            Tool.BRUSH: ("Paint with a brush; paints on in the selected brush region (K)", "K"),
        }
        self.needing_a_picture: list[QToolButton] = []
        for tool, (tip, _) in tips.items():
            button = QToolButton()
            button.setIcon(icon(tool.value))
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setAccessibleName(tip.split(":")[0].split(";")[0])
            button.clicked.connect(lambda on, tool=tool: self._tools.set_tool(tool if on else Tool.NAVIGATE))
            self.buttons[tool] = button
            self.needing_a_picture.append(button)
            row.addWidget(button)
        self.radius.setRange(1, 500)
        self.radius.setDecimals(0)
        self.radius.setValue(self._tools.brush_radius)
        self.radius.setPrefix("r ")
        self.radius.setSuffix(" px")
        self.radius.setAccessibleName("Brush radius")
        self.radius.setToolTip("Radius of the brush in picture pixels")
        self.radius.setFixedWidth(86)
        self.radius.valueChanged.connect(self._set_radius)
        row.addWidget(self.radius)
        self.radius.hide()
        row.addStretch(1)
        for name, tip, slot in (
            ("add", "Add a box in the middle of the view, to be placed by keyboard", self.add_box),
            ("copy", "Duplicate the selected region", self.duplicate),
            ("remove", "Remove the selected region (Del)", self.remove),
        ):
            button = QToolButton()
            button.setIcon(icon(name))
            button.setToolTip(tip)
            button.setAccessibleName(tip.split(",")[0].split(" (")[0])
            button.clicked.connect(slot)
            self.needing_a_picture.append(button)
            row.addWidget(button)
        return row

    def _build_detail(self) -> QWidget:
        layout = QVBoxLayout(self.detail)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(4)
        self.heading = QLabel()
        self.heading.setObjectName("quiet")
        self.heading.setWordWrap(True)
        layout.addWidget(self.heading)
        layout.addWidget(self.form)
        layout.addWidget(self.feather)
        layout.addWidget(self.placing)
        self.clear = QPushButton("Reset region")
        self.clear.setAccessibleName("Reset the region's parameters")
        self.clear.setToolTip("Let nothing differ in this region")
        self.clear.clicked.connect(self._reset)
        layout.addWidget(self.clear)
        self.feather.set_limits(0, 64, 0.5, "px")
        self.feather.edited.connect(self._set_feather)
        self.feather.cleared.connect(lambda: self._set_feather(0.0, 0))
        self.form.edited.connect(self._edit)
        self.form.cleared.connect(self._clear)
        return self.detail

    # Showing

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.selection_changed.disconnect(self.refresh)
        self._document = document
        if document is not None:
            document.recipe_changed.connect(self.refresh)
            document.selection_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        document = self._document
        regions = document.recipe.regions if document else ()
        method = document.recipe.method if document else ""
        self.table.show_regions(
            regions, document.selected if document else -1, lambda region: differences(region, method)
        )
        for button in self.needing_a_picture:
            button.setEnabled(document is not None)
        self._show_detail(document)

    def _show_detail(self, document: Document | None) -> None:
        region = document.selected_region if document else None
        self.detail.setVisible(region is not None)
        has_regions = bool(document and document.recipe.regions)
        self.hint.setText(
            "Select a region in the table or by a click on it."
            if has_regions
            else "Draw a region, then give it parameters of its own."
        )
        self.hint.setVisible(region is None)
        if document is None or region is None:
            return
        denoiser = get_denoiser(document.recipe.method)
        if document.resolved() is None:  # the method panel has told it
            return
        self.heading.setText(f"What differs inside {region.name}:")
        self.form.build((STRENGTH, *denoiser.region_parameters), document.picture, denoiser.id)
        self._show_values(document, region)
        self.feather.set_value(region.feather)
        self.clear.setEnabled(bool(region.parameters))
        self.placing.show_region(region)

    def _show_values(self, document: Document, region: Region) -> None:
        recipe = document.resolved()
        if recipe is not None:
            values = {**recipe.parameters, STRENGTH.name: recipe.strength}
            own = region.parameters
            self.form.show_values(values, own, found=self._found, changed=own)
            self._show_noise(document, region)

    def _show_noise(self, document: Document, region: Region) -> None:
        told = told_inside(document.recipe, region, self._found, self._noise_scale)
        if told is not None:
            level = "" if told.level is None else f"{number(told.level)} {document.picture.noise_unit}"
            self.form.set_note(told.name, level and f"told {level.rstrip()} inside")

    def show_noise_scale(self, scale: float | None) -> None:
        """By what the map of noise levels is multiplied to be in the estimate's terms."""
        self._noise_scale = scale
        self.show_found(self._found)

    def show_found(self, found: Mapping[str, float]) -> None:
        """Show these numbers for maps that nobody replaced in the selected region."""
        self._found = found
        document, region = self._document, self._region()
        if document is not None and region is not None and self.form.shows(document.recipe.method):
            self._show_values(document, region)

    def _show_tool(self, tool: str) -> None:
        for key, button in self.buttons.items():
            button.setChecked(key.value == tool)
        self.radius.setVisible(tool == Tool.BRUSH.value)

    # Editing

    def _picked(self, index: int) -> None:
        if self._document is not None:
            self._document.select(index)

    def _rename(self, index: int, name: str, enabled: bool) -> None:
        if self._document is None:
            return
        region = self._document.recipe.regions[index]
        changed = region.replace(name=name or region.name, enabled=enabled)
        text = "rename region" if changed.name != region.name else "switch region"
        recipe = self._document.recipe.with_region(index, changed)
        self._document.edit(recipe, text, Document.begin_gesture())

    def _change(self, text: str, gesture: int = 0, **changes: Any) -> None:
        document = self._document
        if document is not None and document.selected_region is not None:
            region = document.selected_region.replace(**changes)
            document.edit(document.recipe.with_region(document.selected, region), text, gesture)

    def _region(self) -> Region | None:
        return self._document.selected_region if self._document else None

    def _edit(self, name: str, value: Any, gesture: int) -> None:
        region = self._region()
        if region is not None:
            self._change(
                f"{name} in {region.name}", gesture, parameters=region.parameters.with_value(name, value)
            )

    def _clear(self, name: str) -> None:
        region = self._region()
        if region is not None:
            self._change(f"reset {name} in {region.name}", parameters=region.parameters.without(name))

    def _reset(self) -> None:
        self._change("reset region", parameters=Values())

    def _set_feather(self, value: float, gesture: int) -> None:
        self._change("feather", gesture, feather=value)

    def _place(self, shape: Shape) -> None:
        self._change("place region", shape=shape)

    def _set_radius(self, value: float) -> None:
        self._tools.brush_radius = value

    def add_box(self) -> None:
        """A box of a quarter of the picture, for those who work by keyboard."""
        document = self._document
        if document is None:
            return
        width, height = document.picture.width, document.picture.height
        shape = Box(
            float(width * 3 // 8), float(height * 3 // 8), float(width * 5 // 8), float(height * 5 // 8)
        )
        region = Region(shape=shape, name=free_name(document.recipe.regions), feather=4.0)
        recipe = document.recipe.replace(regions=(*document.recipe.regions, region))
        document.edit(recipe, "add region", Document.begin_gesture())
        document.select(len(document.recipe.regions) - 1)
        self.table.setFocus()

    def duplicate(self) -> None:
        document, region = self._document, self._region()
        if document is None or region is None:
            return
        x0, y0, x1, y1 = region.shape.extent()
        twin = region.replace(
            name=free_name(document.recipe.regions),
            shape=moved(region.shape, x0 + 10, y0 + 10, x1 - x0, y1 - y0),
        )
        recipe = document.recipe.replace(regions=(*document.recipe.regions, twin))
        document.edit(recipe, "duplicate region", Document.begin_gesture())
        document.select(len(document.recipe.regions) - 1)

    def remove(self) -> None:
        document = self._document
        if document is None or document.selected_region is None:
            return
        regions = list(document.recipe.regions)
        del regions[document.selected]
        recipe = document.recipe.replace(regions=tuple(regions))
        document.edit(recipe, "remove region", Document.begin_gesture())

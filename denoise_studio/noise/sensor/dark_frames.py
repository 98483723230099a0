"""Dark frames: exposures with the lens cap on. What they are, and which belong together."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.mosaic import Pattern, Photosite
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.layout import as_read, pattern_as_read

_BRIGHT = 0.01
"""Share of the range from black to white above which a part of a frame has seen light."""
_LEAK = 0.0005
"""Share of it by which a part of a frame may differ from the other frames'."""
_CUT = 0.01
"""Share of pixels at 0 from which noise below black counts as cut off."""
_TILES = 8
_SMALLEST = 16
Levels = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class DarkFrame:
    """One dark frame, without its pixels: they are loaded when their turn comes.

    Args:
        name: of the file, for sentences.
        camera: make and model, "" if unknown.
        iso: as set.
        size: rows and columns as the sensor reads them.
        pattern: of the colour filter from the first pixel read on, indices into `sites`.
        sites: classes of pixels with the black and white level that the file tells.
        step: DN between two values that the file can hold; 0 for floating point.
        tiles: `(8, 8)` medians in DN above black, for comparison with other frames.
        load: opens the picture again.
    """

    name: str
    camera: str
    iso: float
    size: tuple[int, int]
    pattern: Pattern
    sites: tuple[Photosite, ...]
    step: float
    tiles: FloatArray
    load: Callable[[], Picture]

    @property
    def kind(self) -> tuple[str, tuple[int, int], Pattern, Levels, float]:
        """What frames of one profile share."""
        levels = tuple((site.black, site.white) for site in self.sites)
        return self.camera, self.size, self.pattern, levels, self.step

    def values(self) -> FloatArray:
        """DN above the file's black level, `(H, W)` float32 as the sensor read it."""
        picture = self.load()
        assert picture.mosaic is not None
        return _above_black(picture)


def look(picture: Picture, name: str = "", load: Callable[[], Picture] | None = None) -> DarkFrame:
    """Look at a picture that should be a dark frame.

    Args:
        picture: of a sensor.
        name: for sentences; the picture's own if empty.
        load: opens it again; without it the picture is kept.

    Raises:
        StudioError: it is no dark frame of a sensor; one sentence that names it.
    """
    name = name or picture.name or "The picture"
    mosaic = picture.mosaic
    if mosaic is None:
        raise StudioError(f"{name} is not what a camera's sensor saw (a raw file).")
    if not mosaic.iso:
        raise StudioError(f"{name} does not say at which ISO it was taken.")
    if min(picture.height, picture.width) < _SMALLEST:
        raise StudioError(
            f"{name} is too small for a dark frame ({picture.width} x {picture.height} pixels)."
        )
    if np.count_nonzero(picture.pixels <= 0) > _CUT * picture.pixels.size:
        raise StudioError(
            f"{name} has its black level at 0, taken off in the camera: the noise below it is cut off."
        )
    above = _above_black(picture)
    tiles = _tiles(above)
    span = min(site.white - site.black for site in mosaic.sites)
    if tiles.max() > _BRIGHT * span:
        raise StudioError(
            f"{name} is not dark: up to {tiles.max():.0f} DN above black, "
            f"{tiles.max() / span:.1%} of the range."
        )
    stored = picture.stored
    return DarkFrame(
        name=name,
        camera=mosaic.camera,
        iso=float(mosaic.iso),
        size=(above.shape[0], above.shape[1]),
        pattern=pattern_as_read(mosaic, picture.height, picture.width, picture.orientation),
        sites=mosaic.sites,
        step=float(stored.slope) if stored.is_integer else 0.0,
        tiles=tiles,
        load=load or (lambda: picture),
    )


def sort_out(frames: Iterable[DarkFrame]) -> tuple[list[DarkFrame], list[tuple[DarkFrame, str]]]:
    """Frames that make one profile, and the others, each with a sentence.

    The camera, size and levels that most frames have are kept; then every frame is compared with
    the others of its ISO.
    """
    frames = list(frames)
    if not frames:
        return [], []
    common, _ = Counter(frame.kind for frame in frames).most_common(1)[0]
    refused = [(frame, _difference(frame, common)) for frame in frames if frame.kind != common]
    kept = []
    for group in by_iso([frame for frame in frames if frame.kind == common]).values():
        for frame in group:
            reason = _leak(frame, group)
            if reason:
                refused.append((frame, reason))
            else:
                kept.append(frame)
    return kept, refused


def by_iso(frames: Sequence[DarkFrame]) -> dict[float, list[DarkFrame]]:
    """Frames by ISO, rising."""
    isos = sorted({frame.iso for frame in frames})
    return {iso: [frame for frame in frames if frame.iso == iso] for iso in isos}


def spread(table: FloatArray, size: tuple[int, int]) -> FloatArray:
    """A pattern's table at every pixel, `(H, W)`."""
    rows, columns = table.shape
    return table[np.ix_(np.arange(size[0]) % rows, np.arange(size[1]) % columns)]


def _above_black(picture: Picture) -> FloatArray:
    mosaic = picture.mosaic
    assert mosaic is not None
    above = picture.pixels[0] - mosaic.spread([site.black for site in mosaic.sites], picture.rect)
    return np.ascontiguousarray(as_read(above, picture.orientation))


def _tiles(above: FloatArray) -> FloatArray:
    """Medians of 8 x 8 parts: a few hot pixels do not change them, light does."""
    rows, columns = (np.array_split(np.arange(size), _TILES) for size in above.shape)
    medians = [[np.median(above[r[0] : r[-1] + 1, c[0] : c[-1] + 1]) for c in columns] for r in rows]
    return np.array(medians, np.float32)


def _difference(frame: DarkFrame, common: tuple[str, tuple[int, int], Pattern, Levels, float]) -> str:
    camera, size, pattern, _, _ = common
    if frame.camera != camera:
        return f"{frame.name} is of another camera ({frame.camera or 'unknown'}, not {camera or 'unknown'})."
    if frame.size != size:
        sizes = (f"{width} x {height}" for height, width in (frame.size, size))
        return f"{frame.name} has another size ({', not '.join(sizes)} pixels)."
    if frame.pattern != pattern:
        return f"{frame.name} has its colours in another order."
    return f"{frame.name} has another black or white level, or another kind of samples."


def _leak(frame: DarkFrame, group: list[DarkFrame]) -> str:
    """Whether a part of a frame is brighter than in the others of its ISO."""
    if len(group) < 3:
        return ""
    usual = np.median([other.tiles for other in group], axis=0)
    off = frame.tiles - usual
    off -= np.median(off)  # all of a frame may lie a little higher: that is no light
    # Medians of whole numbers jump by a step.
    allowed = max(_LEAK * min(site.white - site.black for site in frame.sites), 1.5 * frame.step)
    if off.max() <= allowed:
        return ""
    return f"{frame.name} has a light leak: a part is {off.max():.1f} DN brighter than in the other frames."

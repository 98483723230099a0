"""Compiled loops of parallel-beam projection and back-projection."""

from typing import Any

import numba

_FAST = {"contract", "nsz"}


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def project_views(
    image: Any, cosines: Any, sines: Any, dx: float, dy: float, bin_mm: float, out: Any
) -> None:  # pragma: no cover - compiled
    """Line integrals of some views by Joseph's method (IEEE Trans. Med. Imaging 1 (1982) 192).

    A ray is followed row by row, or column by column where it runs flatter, and the image is
    interpolated linearly across. Outside the image there is nothing.

    Args:
        image: `(H, W)` float32.
        cosines: `(views,)` of the direction in which bins follow each other, x to the right.
        sines: `(views,)` the same, y down.
        dx: distance of its columns in mm.
        dy: distance of its rows in mm.
        bin_mm: distance of two bins.
        out: `(views, bins)` float32, set to the integrals (the image's unit times mm).
    """
    height, width = image.shape
    bins = out.shape[1]
    middle = 0.5 * (bins - 1)
    for view in range(out.shape[0]):
        c, s = cosines[view], sines[view]
        row = out[view]
        row[:] = 0.0
        along_rows = abs(c) * dy >= abs(s) * dx
        if along_rows:
            lines, across = height, width
            step, shift, length = bin_mm / (c * dx), -s * dy / (c * dx), dy / abs(c)
        else:
            lines, across = width, height
            step, shift, length = bin_mm / (s * dy), -c * dx / (s * dy), dx / abs(s)
        for line in range(lines):
            start = 0.5 * (across - 1) + (line - 0.5 * (lines - 1)) * shift - middle * step
            # Bins whose ray meets this line between its first and its last pixel.
            one, two = -1.0 - start, across - start
            if step < 0:
                one, two = two, one
            first = max(0, int(one / step))
            last = min(bins, int(two / step) + 2)
            for k in range(first, last):
                place = start + k * step
                if place <= -1.0 or place >= across:
                    continue
                index = int(place + 1.0) - 1
                part = place - index
                if along_rows:
                    left = image[line, index] if index >= 0 else 0.0
                    right = image[line, index + 1] if index + 1 < across else 0.0
                else:
                    left = image[index, line] if index >= 0 else 0.0
                    right = image[index + 1, line] if index + 1 < across else 0.0
                row[k] += left + part * (right - left)
        for k in range(bins):
            row[k] *= length


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def back_project(
    filtered: Any, cosines: Any, sines: Any, xs: Any, ys: Any, out: Any
) -> None:  # pragma: no cover - compiled
    """Sum over all views of the filtered projections, interpolated linearly at every pixel.

    Args:
        filtered: `(views, bins)` float32.
        cosines: `(views,)` float32.
        sines: `(views,)` float32.
        xs: `(W,)` float32 of the pixels, in bins from the centre.
        ys: `(H,)` the same.
        out: `(H, W)` float32, set to the sums; nothing comes from beyond the last bin.
    """
    views, bins = filtered.shape
    middle = 0.5 * (bins - 1)
    for y in range(ys.shape[0]):
        row = out[y]
        row[:] = 0.0
        for view in range(views):
            c = cosines[view]
            start = ys[y] * sines[view] + middle
            samples = filtered[view]
            for x in range(xs.shape[0]):
                place = xs[x] * c + start
                index = int(place)
                if place < 0.0 or index >= bins - 1:
                    continue
                part = place - index
                row[x] += samples[index] + part * (samples[index + 1] - samples[index])

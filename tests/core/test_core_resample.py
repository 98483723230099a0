import numpy as np
import pytest

from denoise_studio.core.resample import bilinear


def test_planes_are_exact_and_edges_hold():
    y, x = np.mgrid[0:4, 0:5].astype(np.float32)
    grid = np.stack([3 * y - 2 * x + 1, y])
    rows, columns = np.array([-1.0, 0.0, 0.25, 2.5, 3.0, 9.0]), np.array([-3.0, 1.75, 4.0, 7.0])
    found = bilinear(grid, rows, columns)
    ry, rx = np.clip(rows, 0, 3)[:, None], np.clip(columns, 0, 4)[None, :]
    assert found.shape == (2, 6, 4)
    assert found[0] == pytest.approx(3 * ry - 2 * rx + 1, abs=1e-5)
    assert found[1] == pytest.approx(np.broadcast_to(ry, (6, 4)), abs=1e-6)


def test_one_node_serves_all():
    assert (
        bilinear(np.full((1, 1), 7, np.float32), np.arange(3), np.arange(40000)).tolist() == [[7] * 40000] * 3
    )

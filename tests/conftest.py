"""What every test shares: a quiet environment, set before anything is imported, and the data folder."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real pictures beside the checkout; tests that need it skip without it."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the pictures in {folder}")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The bundled sample pictures."""
    return CHECKOUT / "resources" / "samples"

"""The shipped weights: which file for how many channels, checked before use."""

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from denoise_studio.core.errors import StudioError
from denoise_studio.core.resources import resource
from denoise_studio.denoisers.network.model import Network, Shape

if TYPE_CHECKING:
    from torch import nn

FOLDER = "weights"
Module = TypeVar("Module", bound="nn.Module")


@dataclass(frozen=True)
class Weights:
    """A file of weights in `resources/weights` and the SHA-256 that it must have."""

    name: str
    sha256: str

    @property
    def path(self) -> Path:
        return resource(FOLDER, f"{self.name}.safetensors")


@functools.cache
def load_network(weights: Weights) -> Network:
    """The network with these weights, ready to use on the CPU; read and checked once.

    Raises:
        StudioError: the file is missing, is not the one that was shipped, or does not fit.
    """
    return read_network(weights.path, weights.sha256)


def read_network(path: Path, sha256: str | None = None) -> Network:
    """A network from a file of weights.

    Raises:
        StudioError: as `load_network`.
    """
    return read_module(path, sha256, lambda shape: Network(Shape.from_json(shape)))


def read_module(path: Path, sha256: str | None, build: Callable[[dict[str, Any]], Module]) -> Module:
    """A module from a file of weights that tells its shape, in float32 and ready to use.

    Args:
        path: of the file (safetensors).
        sha256: that it must have; None for any.
        build: makes the module from the shape.

    Raises:
        StudioError: as `load_network`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudioError(f"The network's weights {path} cannot be read: {error.strerror}.") from None
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise StudioError(f"The network's weights {path} are not those that were shipped (SHA-256 differs).")
    try:
        tensors = {name: tensor.float() for name, tensor in load(content).items()}
        network = build(json.loads(_metadata(content)["shape"]))
        network.load_state_dict(tensors)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise StudioError(f"The network's weights {path} are damaged: {reason}.") from None
    network.eval().requires_grad_(False)
    return network


def _metadata(content: bytes) -> dict[str, Any]:
    """The header's own entries (safetensors: 8 bytes of length, then JSON)."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__", {}))

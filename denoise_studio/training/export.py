"""From a training run to what is shipped: weights as safetensors, and their model card."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from denoise_studio.denoisers.network.model import Network
from denoise_studio.formats.files import write_bytes
from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape
from denoise_studio.training import network_card, prior_card, raw_card
from denoise_studio.training.configs import CONFIGS
from denoise_studio.training.loop import Trainer, count


@dataclass(frozen=True)
class Data:
    """What was trained with: a name with its licence, and how many pictures."""

    name: str
    licence: str
    pictures: int


def write_weights(network: Network | HeavyNoiseNetwork, path: Path) -> str:
    """Write a network's weights in float32 and return the file's SHA-256."""
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    content = save(tensors, metadata={"shape": json.dumps(network.shape.describe())})
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def write_card(
    path: Path,
    config: str,
    trainer: Trainer,
    data: list[Data],
    results: dict[str, Any],
    sha256: str,
    notes: Sequence[str] = (),
) -> None:
    """Write the model card `path` (Markdown, for people) and its facts beside it (`.json`).

    Args:
        path: of the card.
        config: name of the choices.
        trainer: the run.
        data: what it saw.
        results: by test set and noise level: PSNR in dB, for a prior errors (`evaluate`).
        sha256: of the weights.
        notes: lines on what the numbers do not tell.
    """
    facts = {
        "name": path.stem,
        "config": config,
        "choices": asdict(CONFIGS[config]),
        "parameters": count(trainer.network),
        "data": [asdict(part) for part in data],
        "steps": trainer.step,
        "seconds": round(trainer.seconds),
        "seed": trainer.seed,
        "notes": list(notes),
        "started_from": trainer.started_from,
        "machine": trainer.machine,
        _words(config).RESULTS: results,
        "sha256": sha256,
    }
    write_bytes(path.with_suffix(".json"), (json.dumps(facts, indent=2) + "\n").encode())
    write_bytes(path, _markdown(facts, _words(config)).encode())


def _words(config: str) -> Any:
    """What a card of this kind of network says."""
    if CONFIGS[config].source == "raw":
        return raw_card
    return prior_card if isinstance(CONFIGS[config].shape, HeavyShape) else network_card


def _markdown(facts: dict[str, Any], words: Any) -> str:
    used = [f"  - {part['name']}, {part['pictures']} pictures. {part['licence']}" for part in facts["data"]]
    lines = [
        *(f"# {facts['name']}", "", _what(facts, words), "", words.USE, ""),
        *("## Training", "", *_how(facts, words), "- Data:", *used, ""),
        *("The pictures were used to train only; none of them is a part of this project.", ""),
        *("## Results", "", words.MEASURED, "", *words.table(facts[words.RESULTS]), ""),
        *(f"SHA-256 of the weights: `{facts['sha256']}`", ""),
    ]
    return "\n".join(lines)


def _what(facts: dict[str, Any], words: Any) -> str:
    shape = facts["choices"]["shape"]
    widths, blocks = (", ".join(str(value) for value in shape[name]) for name in ("widths", "blocks"))
    return (
        f"{words.WHAT}: {shape['channels']} channel(s), widths {widths}, blocks {blocks},\n"
        f"{facts['parameters']:,} parameters in float32 (`{words.MODULE}`)."
    )


def _how(facts: dict[str, Any], words: Any) -> tuple[str, ...]:
    start = f", started from {facts['started_from']}" if facts["started_from"] else ""
    return (
        f"- Configuration `{facts['config']}` (`training/configs.py`), seed {facts['seed']}{start}.",
        f"- {facts['steps']:,} steps in {facts['seconds'] / 60:.0f} minutes on: {facts['machine']}.",
        f"- {words.noise(facts['choices'])}",
        *(f"- {note}" for note in facts["notes"]),
    )

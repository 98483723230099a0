"""The training loop: resumable, seeded, bounded by minutes or by steps."""

import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from denoise_studio.formats.files import replacing
from denoise_studio.training.batches import Source
from denoise_studio.training.configs import Config
from denoise_studio.training.courses import course_of
from denoise_studio.training.levels import Curriculum
from denoise_studio.training.muon import Muon

_KEEP_EVERY = 60.0
_LOG_EVERY = 100


@dataclass(frozen=True)
class Budget:
    """When to stop: after minutes of training (all runs together) or after steps."""

    minutes: float | None = None
    steps: int | None = None

    def spent(self, seconds: float, step: int) -> float:
        """Share of the budget used up, at least 1 at its end."""
        shares = [
            seconds / (60 * self.minutes) if self.minutes else 0.0,
            step / self.steps if self.steps else 0.0,
        ]
        return max(shares)


class Trainer:
    """Trains one network; everything it needs to go on lies in its folder.

    Args:
        config: what to train and how.
        batches: the data.
        folder: gets `state.pt` every minute and at the end, and `curve.jsonl`.
        seed: of the starting weights.
        device: "cpu" or "cuda".
        precision: of the layers where they allow it; bfloat16 pays only where the device has it.
    """

    def __init__(
        self,
        config: Config,
        batches: Source,
        folder: Path,
        seed: int,
        device: str,
        precision: str = "bfloat16",
    ) -> None:
        self.config, self.folder, self.device = config, folder, device
        self._half = precision == "bfloat16"
        self._batches = batches
        self.course = course_of(config)
        network = self.course.network(torch.Generator().manual_seed(seed))
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {name: value.detach().clone() for name, value in self.network.named_parameters()}
        self.levels = self.course.levels()
        self.step, self.seconds = 0, 0.0
        self.seed, self.started_from = seed, ""
        self.machine = machine(device)
        named = list(self.network.named_parameters())
        edges = [value for name, value in named if name.startswith(self.course.edges)]
        inner = [value for name, value in named if not name.startswith(self.course.edges)]
        self._optimisers = (
            (Muon(inner, config.muon_rate), config.muon_rate),
            (torch.optim.Adam(edges, config.adam_rate, betas=(0.9, 0.99)), config.adam_rate),
        )
        if self._state.exists():
            self._resume()

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    def start_from(self, path: Path) -> None:
        """Take over the weights that fit from another network's file: colour starts from grey."""
        self.started_from = path.stem
        own = dict(self.network.named_parameters())
        for name, value in self.course.read(path).state_dict().items():
            if name in own and own[name].shape == value.shape:
                with torch.no_grad():
                    own[name].copy_(value)
                    self.average[name].copy_(value)

    def run(self, budget: Budget) -> None:
        """Train until the budget is spent. A run that is stopped goes on where it last kept its state."""
        self.network.train()
        kept = clock = time.monotonic()
        losses: list[float] = []
        try:
            while (spent := budget.spent(self.seconds, self.step)) < 1:
                losses.append(self._one(spent))
                now = time.monotonic()
                self.seconds += now - clock
                clock = now
                if self.step % _LOG_EVERY == 0:
                    self._log(sum(losses) / len(losses))
                    losses.clear()
                if now - kept > _KEEP_EVERY:
                    self.keep()
                    kept = now
        finally:  # Ctrl-C too
            self.keep()

    def _one(self, spent: float) -> float:
        """One step; its loss."""
        rate = self._rate(spent)
        for optimiser, base in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = base * rate
        batch = self._batches.draw(self.step, self.levels)
        with torch.autocast(self.device, torch.bfloat16, enabled=self._half):
            loss = self.course.loss(self.network, batch, self.device)
        for optimiser, _ in self._optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser, _ in self._optimisers:
            optimiser.step()
        self.step += 1
        # A young average forgets its start sooner.
        decay = min(self.config.average, self.step / (self.step + 20))
        with torch.no_grad():
            now = dict(self.network.named_parameters())
            torch._foreach_lerp_(list(self.average.values()), [now[n] for n in self.average], 1 - decay)
        value = float(loss.detach())
        self.levels.tell(value)
        return value

    def _rate(self, spent: float) -> float:
        """Factor of the learning rates: a short rise, a constant part, a straight fall to 0."""
        rise = min(1.0, (self.step + 1) / self.config.warm_up)
        fall = min(1.0, (1 - spent) / (1 - self.config.constant))
        return rise * fall

    def averaged(self) -> Any:
        """A network with the averaged weights, on the CPU, for use."""
        network = self.course.network()
        values = {**self.network.state_dict(), **self.average}  # what is not trained has no average
        network.load_state_dict({name: value.cpu() for name, value in values.items()})
        return network.eval()

    def keep(self) -> None:
        """Write the state beside the old one, then replace it."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "seed": self.seed,
            "started_from": self.started_from,
            "machine": self.machine,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimisers": [optimiser.state_dict() for optimiser, _ in self._optimisers],
            "open": getattr(self.levels, "open", 0),
        }
        with replacing(self._state) as beside:
            torch.save(state, beside)

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self._state, map_location=self.device, weights_only=True)
        self.step, self.seconds = state["step"], state["seconds"]
        self.seed = state.get("seed", self.seed)
        self.started_from = state.get("started_from", "")
        if self.step:
            self.machine = state.get("machine", self.machine)
        self.network.load_state_dict(state["network"])
        self.average = {name: value.clone() for name, value in state["average"].items()}
        for (optimiser, _), kept in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        if isinstance(self.levels, Curriculum):
            self.levels.open = state["open"]

    def _log(self, loss: float) -> None:
        line = {"step": self.step, "seconds": round(self.seconds, 1), "loss": round(loss, 6)}
        if isinstance(self.levels, Curriculum):
            line["open"] = self.levels.open
        with (self.folder / "curve.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def machine(device: str) -> str:
    """Where a run trains, for its card."""
    version = torch.__version__.split("+")[0]
    if device == "cuda":
        return f"GPU {torch.cuda.get_device_name(0)}, torch {version}"
    able = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} CPU ({able}), {torch.get_num_threads()} threads, torch {version}"


def count(network: nn.Module) -> int:
    """Number of weights."""
    return sum(weight.numel() for weight in network.parameters())

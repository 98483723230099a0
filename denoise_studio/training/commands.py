"""The training command line."""

import json
import time
from pathlib import Path
from typing import Any

import click

from denoise_studio.core.errors import StudioError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(path_type=Path)


def main() -> Any:
    """Run the command line; a `StudioError` is one sentence and exit code 1."""
    try:
        return program(standalone_mode=True)
    except StudioError as error:
        raise SystemExit(f"Error: {error}") from None


@click.group()
def program() -> None:
    """Train and measure the networks of Denoise Studio."""


@program.command()
@click.option("--data", type=_FOLDER, multiple=True, required=True, help="Pictures; may be given again.")
@click.option("--config", required=True, help="Name of a set of choices (configs.py).")
@click.option("--run", type=_NEW, required=True, help="Folder of this run; an existing run goes on.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Time, all runs together.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps, all runs together.")
@click.option("--start", type=_FILE, help="Weights (.safetensors) to start from.")
@click.option("--seed", default=0, show_default=True)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option(
    "--precision", type=click.Choice(["bfloat16", "float32"]), default="bfloat16", show_default=True
)
def train(
    data: tuple[Path, ...],
    config: str,
    run: Path,
    minutes: float | None,
    steps: int | None,
    start: Path | None,
    seed: int,
    device: str,
    threads: int | None,
    precision: str,
) -> None:
    """Train a network, or go on where a run was stopped."""
    import torch

    from denoise_studio.training.data import batches_of
    from denoise_studio.training.loop import Budget, Trainer

    chosen = _config(config)
    if minutes is None and steps is None:
        raise StudioError("Say how long to train: --minutes or --steps.")
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True  # every step has the same sizes
    batches, count = batches_of(chosen, list(data), seed, device)
    run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(chosen, batches, run, seed, device, precision)
    if start is not None and trainer.step == 0:
        trainer.start_from(start)
    click.echo(f"{count} pictures, step {trainer.step}")
    started = time.monotonic()
    trainer.run(Budget(minutes, steps))
    click.echo(f"step {trainer.step} after {time.monotonic() - started:.0f} s")


@program.command()
@click.argument("weights", type=_FILE)
@click.option(
    "--data", type=_FOLDER, multiple=True, required=True, help="Clean pictures; may be given again."
)
@click.option("--config", default="network-grey", show_default=True, help="Of which kind they are.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
def evaluate(weights: Path, data: tuple[Path, ...], config: str, device: str) -> None:
    """Print the PSNR of weights on folders of clean pictures, or a prior's errors, as JSON."""
    from denoise_studio.training.courses import course_of

    chosen = _config(config)
    network = course_of(chosen).read(weights)
    click.echo(json.dumps(_results(chosen, network, data, device), indent=2))


@program.command("fit-priors")
@click.option("--data", type=_FOLDER, multiple=True, required=True, help="Photographs and CT slices.")
@click.option("--seed", default=0, show_default=True)
@click.option("-o", "--output", type=_NEW, required=True, help="Folder for the two files.")
def fit_priors(data: tuple[Path, ...], seed: int, output: Path) -> None:
    """Fit the spectra and the patch mixtures of the information-estimation metric."""
    from denoise_studio.training.data import crops_of
    from denoise_studio.training.fit_priors import CROP
    from denoise_studio.training.fit_priors import fit_priors as fit

    fit(crops_of(list(data), CROP), output, seed)


@program.command()
@click.option("--run", type=_FOLDER, required=True, help="Folder of a training run.")
@click.option("--config", required=True, help="The run's configuration.")
@click.option("--data", type=_FOLDER, multiple=True, required=True, help="What it was trained with.")
@click.option("--licence", multiple=True, required=True, help="NAME: LICENCE of each data folder, in order.")
@click.option("--test", type=_FOLDER, multiple=True, help="Clean pictures for the results.")
@click.option("--note", multiple=True, help="A line for the card on what its numbers do not tell.")
@click.option("-o", "--output", type=_NEW, required=True, help="The weights to write (.safetensors).")
def export(
    run: Path,
    config: str,
    data: tuple[Path, ...],
    licence: tuple[str, ...],
    test: tuple[Path, ...],
    note: tuple[str, ...],
    output: Path,
) -> None:
    """Write a run's averaged weights and their model card, and print the SHA-256."""
    from denoise_studio.training.batches import Batches
    from denoise_studio.training.data import count_used
    from denoise_studio.training.export import Data, write_card, write_weights
    from denoise_studio.training.loop import Trainer

    chosen = _config(config)
    if len(licence) != len(data):
        raise StudioError("Give one --licence for each --data.")
    if not (run / "state.pt").exists():
        raise StudioError(f"There is no training run in {run}.")
    used = []
    for folder, text in zip(data, licence, strict=True):
        name, _, terms = text.partition(": ")
        used.append(Data(name, terms, count_used(chosen, folder)))
    trainer = Trainer(chosen, Batches([], chosen.crop, chosen.batch, 0), run, 0, "cpu")
    network = trainer.averaged()
    sha256 = write_weights(network, output)
    results = _results(chosen, network, test, "cpu")
    write_card(output.with_suffix(".md"), config, trainer, used, results, sha256, note)
    click.echo(sha256)


def _results(config: Any, network: Any, folders: tuple[Path, ...], device: str) -> dict[str, Any]:
    """By folder name and noise level: PSNR, or the errors of a prior."""
    from denoise_studio.denoisers.network.model import Shape
    from denoise_studio.training.data import in_prior_unit
    from denoise_studio.training.evaluate import LEVELS, SIGMAS, evaluate, evaluate_prior
    from denoise_studio.training.evaluate_raw import SETTINGS, evaluate_raw
    from denoise_studio.training.pictures import load_pictures

    results: dict[str, Any] = {}
    for folder in folders:
        if config.source == "raw":
            pictures = load_pictures([folder], 3)
            results[folder.name] = {
                f"{full:g}, {read:g}": evaluate_raw(network, pictures, full, read, device)
                for full, read in SETTINGS
            }
            continue
        if isinstance(config.shape, Shape):
            pictures = load_pictures([folder], network.shape.channels)
            found = {str(level): round(evaluate(network, pictures, level, device), 3) for level in LEVELS}
            results[folder.name] = found
            continue
        clean = in_prior_unit(folder, config.source, network.shape.channels)
        known = [sigma for sigma in SIGMAS if sigma >= network.shape.lowest]
        results[folder.name] = {
            f"{sigma:g}": {
                name: round(value, 5)
                for name, value in evaluate_prior(network, clean, config.source, sigma, device).items()
            }
            for sigma in known
        }
    return results


def _config(name: str) -> Any:
    from denoise_studio.training.configs import CONFIGS

    if name not in CONFIGS:
        raise StudioError(f"There is no configuration {name!r} (there are: {', '.join(CONFIGS)}).")
    return CONFIGS[name]

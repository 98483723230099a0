"""Whether the noise curriculum helps: the same network, data, seeds and number of steps with and without.

    .venv/bin/python benchmarks/curriculum.py --data FOLDER --test FOLDER --steps 600 --seeds 0 1

Prints PSNR at every level and seed, and the mean difference with its spread. Interrupted runs go
on when called again with the same `--runs` folder.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from denoise_studio.training.batches import Batches
from denoise_studio.training.configs import CONFIGS
from denoise_studio.training.evaluate import LEVELS, evaluate
from denoise_studio.training.levels import Curriculum
from denoise_studio.training.loop import Budget, Trainer
from denoise_studio.training.pictures import Pixels, load_pictures

ARMS = {"all levels": "network-grey", "curriculum": "network-grey-curriculum"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--runs", type=Path, help="folder that keeps the runs")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pictures, tests = load_pictures(options.data, 1, smallest=64), load_pictures([options.test], 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        report(options, folder, pictures, tests)


def report(options: argparse.Namespace, folder: Path, pictures: list[Pixels], tests: list[Pixels]) -> None:
    """Run and print everything."""
    print(f"{options.steps} steps each, {len(pictures)} pictures; PSNR in dB on {options.test.name}\n")
    print("| seed | arm | " + " | ".join(f"sigma {level}" for level in LEVELS) + " | all levels from step |")
    print("|---" * (len(LEVELS) + 3) + "|")
    found = {}
    for seed in options.seeds:
        for arm, config in ARMS.items():
            values, opened = one(config, seed, options.steps, folder / f"{config}-{seed}", pictures, tests)
            found[seed, arm] = values
            row = " | ".join(f"{value:.2f}" for value in values)
            print(f"| {seed} | {arm} | {row} | {opened} |", flush=True)
    gains = np.array([found[s, "curriculum"] - found[s, "all levels"] for s in options.seeds])
    mean, spread = gains.mean(axis=0), gains.std(axis=0, ddof=1) if len(gains) > 1 else np.nan * gains[0]
    print("\ncurriculum less all levels, mean over the seeds (sd):")
    for level, value, sd in zip(LEVELS, mean, spread, strict=True):
        print(f"  sigma {level}: {value:+.3f} dB ({sd:.3f})")


def one(
    name: str, seed: int, steps: int, folder: Path, pictures: list[Pixels], tests: list[Pixels]
) -> tuple[np.ndarray, str]:
    """Train one arm; its PSNR at every level, and from which step it saw all of them."""
    config = CONFIGS[name]
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, Batches(pictures, config.crop, config.batch, seed), folder, seed, "cpu")
    trainer.run(Budget(steps=steps))
    network = trainer.averaged()
    return np.array([evaluate(network, tests, level) for level in LEVELS]), opened(trainer)


def opened(trainer: Trainer) -> str:
    """From which step (to the hundred) all levels were drawn."""
    levels = trainer.levels
    if not isinstance(levels, Curriculum):
        return "0"
    lines = (json.loads(line) for line in (trainer.folder / "curve.jsonl").read_text("utf-8").splitlines())
    full = [line["step"] for line in lines if line["open"] == levels.clusters]
    return str(full[0]) if full else f"never ({levels.open} of {levels.clusters})"


if __name__ == "__main__":
    main()

"""The training tools: what they draw, that a stopped run goes on as if it had not been, what they write."""

import hashlib
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from denoise_studio.core.errors import StudioError
from denoise_studio.training.camera import HIGHEST, LOWEST, camera_noise
from denoise_studio.training.levels import MOST, Curriculum, Uniform

torch = pytest.importorskip("torch")

from denoise_studio.denoisers.network.weights import read_network  # noqa: E402
from denoise_studio.training.batches import Batches  # noqa: E402
from denoise_studio.training.commands import program  # noqa: E402
from denoise_studio.training.configs import CONFIGS  # noqa: E402
from denoise_studio.training.evaluate import evaluate  # noqa: E402
from denoise_studio.training.loop import Budget, Trainer  # noqa: E402
from denoise_studio.training.muon import Muon, orthogonal  # noqa: E402
from denoise_studio.training.pictures import load_pictures  # noqa: E402

TINY = CONFIGS["tiny"]


def drawn(count=3, size=48, channels=1, seed=0):
    """Smooth pictures with edges, `(size, size, channels)` uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    pictures = []
    for _ in range(count):
        angle, place = random.uniform(0, np.pi), random.uniform(0.3, 0.7)
        edge = (np.cos(angle) * x + np.sin(angle) * y > place) * 120
        pictures.append(np.repeat((60 + 40 * x + edge)[..., None], channels, axis=2).astype(np.uint8))
    return pictures


@pytest.fixture
def folder(tmp_path):
    """A folder of pictures, one of them in a folder of its own and one too small."""
    (tmp_path / "pictures" / "more").mkdir(parents=True)
    for index, pixels in enumerate(drawn()):
        place = tmp_path / "pictures" / ("more" if index == 0 else ".")
        Image.fromarray(np.repeat(pixels, 3, axis=2)).save(place / f"{index}.png")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "pictures" / "small.png")
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    return tmp_path / "pictures"


def trainer(tmp_path, name="run", seed=0, batches=None):
    (tmp_path / name).mkdir(exist_ok=True)
    return Trainer(
        TINY, batches or Batches(drawn(), TINY.crop, TINY.batch, seed), tmp_path / name, seed, "cpu"
    )


# Data


def test_pictures_are_found_below_the_folder_and_small_ones_left_out(folder):
    grey = load_pictures([folder], 1, smallest=32)
    assert [picture.shape for picture in grey] == [(48, 48, 1)] * 3
    assert [picture.shape for picture in load_pictures([folder], 3, smallest=32)] == [(48, 48, 3)] * 3
    assert len(load_pictures([folder], 1)) == 4


def test_grey_is_luma(tmp_path):
    Image.fromarray(np.full((8, 8, 3), (200, 100, 50), np.uint8)).save(tmp_path / "a.png")
    (picture,) = load_pictures([tmp_path], 1)
    assert (picture == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).all()


def test_a_folder_without_pictures_and_a_broken_picture_are_said(tmp_path):
    with pytest.raises(StudioError, match="no pictures"):
        load_pictures([tmp_path], 1)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(StudioError, match=r"broken\.png cannot be read"):
        load_pictures([tmp_path], 1)


def test_a_batch_belongs_to_its_seed_and_step():
    batches = Batches(drawn(), 32, 4, seed=7)
    one, same = batches.draw(3, Uniform()), Batches(drawn(), 32, 4, seed=7).draw(3, Uniform())
    assert torch.equal(one.noisy, same.noisy)
    for other in (batches.draw(4, Uniform()), Batches(drawn(), 32, 4, seed=8).draw(3, Uniform())):
        assert not torch.equal(one.noisy, other.noisy)


def test_the_noise_of_a_batch_is_what_its_map_says():
    batches = Batches([np.full((64, 64, 1), 128, np.uint8)], 64, 200, seed=0)
    batch = batches.draw(0, Uniform())
    assert batch.clean.unique().tolist() == pytest.approx([128 / 255])
    normal = (batch.noisy - batch.clean) / batch.sigma
    assert float(normal.std()) == pytest.approx(1.0, abs=0.01)
    assert float(normal.mean()) == pytest.approx(0.0, abs=0.01)
    assert float(batch.sigma.max()) <= MOST
    varied = (batch.sigma.amax(dim=(1, 2, 3)) > batch.sigma.amin(dim=(1, 2, 3)) * 1.001).float().mean()
    assert 0.15 < float(varied) < 0.35


def _scene(side=96):
    """Smooth colours from dark to bright, so that noise can depend on them."""
    y, x = np.mgrid[:side, :side] / side
    return np.stack([0.1 + 0.8 * x, 0.5 + 0.3 * np.sin(3 * y), 0.2 + 0.5 * y], -1).astype(np.float32)


def test_camera_noise_is_shared_by_neighbours_and_told_as_it_is():
    shared, strengths = [], []
    for seed in range(40):
        noisy, sigma = camera_noise(_scene(), np.random.default_rng(seed))
        noise = noisy - _scene()
        assert noisy.min() >= 0
        assert noisy.max() <= 1
        normal = noise / sigma[..., None]
        assert float((normal**2).mean()) == pytest.approx(1.0, abs=0.25)
        shared.append(float((noise[:, 1:] * noise[:, :-1]).mean() / (noise**2).mean()))
        strengths.append(float(noise.std()))
    assert np.mean(shared) > 0.3
    assert min(strengths) < 4 * LOWEST
    assert max(strengths) > HIGHEST / 3


def test_a_share_of_the_crops_gets_camera_noise():
    picture = (_scene() * 255).astype(np.uint8)
    batch = Batches([picture], 64, 8, seed=0, camera=0.25).draw(0, Uniform())
    noise = batch.noisy - batch.clean
    shared = (noise[..., 1:] * noise[..., :-1]).mean(dim=(1, 2, 3)) / (noise**2).mean(dim=(1, 2, 3))
    # White crops share nothing; a developed one may, by its draw, share little.
    assert (shared[2:].abs() < 0.05).all()
    assert float(shared[:2].max()) > 0.2
    assert batch.sigma.shape == (8, 1, 64, 64)


def test_all_levels_are_drawn():
    levels = Uniform().draw(20_000, np.random.default_rng(0)) * 255
    assert levels.min() < 0.05
    assert levels.max() > 74.9
    assert np.mean(levels < 10) == pytest.approx(0.2 + 0.8 * 10 / 75, abs=0.01)


# Curriculum


def test_the_curriculum_starts_with_the_heaviest_noise():
    levels = Curriculum(clusters=10).draw(5000, np.random.default_rng(0))
    assert levels.min() >= MOST * 0.9
    assert levels.max() <= MOST


def test_the_curriculum_goes_on_when_the_loss_stops_falling():
    curriculum = Curriculum(clusters=4, every=5, patience=2)
    for step in range(100):  # falls by far more than a percent a check
        curriculum.tell(0.9**step)
    assert curriculum.open == 1
    for _ in range(5 * 2):
        curriculum.tell(1.0)
    assert curriculum.open == 2
    assert curriculum.draw(5000, np.random.default_rng(0)).min() == pytest.approx(MOST / 2, rel=0.01)


def test_the_curriculum_ends_with_all_levels():
    curriculum = Curriculum(clusters=4, every=1, patience=1)
    for _ in range(20):
        curriculum.tell(1.0)
    assert curriculum.open == 4
    random, same = np.random.default_rng(0), np.random.default_rng(0)
    assert np.array_equal(curriculum.draw(50, random), Uniform().draw(50, same))


# Muon


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (32, 32)])
def test_an_update_is_nearly_orthogonal(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    result = orthogonal(matrix)
    values = torch.linalg.svdvals(result)
    assert float(values.max()) < 1.3
    assert float((values > 0.5).float().mean()) > 0.9
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    alike = (result * (u @ v)).sum() / (result.norm() * (u @ v).norm())
    assert float(alike) > 0.95


def test_muon_finds_the_bottom_of_a_bowl():
    target = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    weight = torch.zeros_like(target, requires_grad=True)
    optimiser = Muon([weight], lr=0.05)
    start = float(target.square().sum())
    for _ in range(200):
        optimiser.zero_grad()
        (weight - target).square().sum().backward()
        optimiser.step()
    assert float((weight - target).square().sum().detach()) < 0.02 * start


# The loop


class Breaking(Batches):
    """Stops the run before a step, once, as Ctrl-C does."""

    def __init__(self, at, *about):
        super().__init__(*about)
        self.at = at

    def draw(self, step, levels):
        if step == self.at:
            self.at = None
            raise KeyboardInterrupt
        return super().draw(step, levels)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    whole = trainer(tmp_path, "whole")
    whole.run(Budget(steps=8))
    stopped = trainer(tmp_path, "stopped", batches=Breaking(5, drawn(), TINY.crop, TINY.batch, 0))
    with pytest.raises(KeyboardInterrupt):
        stopped.run(Budget(steps=8))
    again = trainer(tmp_path, "stopped")
    assert again.step == 5
    again.run(Budget(steps=8))
    assert again.step == whole.step == 8
    for name, value in whole.average.items():
        assert torch.equal(value, again.average[name])


def test_the_seed_decides(tmp_path):
    runs = [trainer(tmp_path, name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    for run in runs:
        run.run(Budget(steps=2))
    first, same, other = (run.average["residual.weight"] for run in runs)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_training_learns_to_denoise(tmp_path):
    run = trainer(tmp_path)
    held_out = drawn(seed=99)
    before = evaluate(run.averaged(), held_out, 50)
    run.run(Budget(steps=150))
    assert evaluate(run.averaged(), held_out, 50) > before + 3
    curve = [json.loads(line) for line in (run.folder / "curve.jsonl").read_text().splitlines()]
    assert curve[0]["step"] == 100
    assert curve[0]["loss"] > 0


def test_a_colour_network_starts_from_a_grey_one(tmp_path):
    import dataclasses

    from denoise_studio.training.export import write_weights

    grey = trainer(tmp_path, "grey")
    write_weights(grey.averaged(), tmp_path / "grey.safetensors")
    config = dataclasses.replace(TINY, shape=dataclasses.replace(TINY.shape, channels=3))
    (tmp_path / "colour").mkdir()
    batches = Batches(drawn(channels=3), TINY.crop, TINY.batch, 0)
    colour = Trainer(config, batches, tmp_path / "colour", 4, "cpu")
    colour.start_from(tmp_path / "grey.safetensors")
    assert torch.equal(colour.average["body.0.first.weight"], grey.average["body.0.first.weight"])
    assert colour.average["pixels.weight"].shape[1] == 12
    colour.run(Budget(steps=1))
    assert colour.started_from == "grey"


def test_a_budget_of_minutes_and_of_steps():
    assert Budget(minutes=2).spent(60, 1000) == pytest.approx(0.5)
    assert Budget(steps=10).spent(1e9, 5) == pytest.approx(0.5)
    assert Budget(minutes=1, steps=10).spent(30, 9) == pytest.approx(0.9)


# The command line


def invoke(*arguments):
    return CliRunner().invoke(program, [str(argument) for argument in arguments], catch_exceptions=False)


def test_train_export_and_evaluate(folder, tmp_path):
    run, weights = tmp_path / "run", tmp_path / "tiny.safetensors"
    train = ("train", "--data", folder, "--config", "tiny", "--run", run, "--steps")
    assert invoke(*train, 2).exit_code == 0
    result = invoke(*train, 4)
    assert "step 2" in result.output
    assert "step 4" in result.output
    made = invoke(
        "export", "--run", run, "--config", "tiny", "--data", folder, "--licence", "Drawn: CC0",
        "--test", folder, "-o", weights,
    )  # fmt: skip
    sha256 = made.output.strip()
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == sha256
    network = read_network(weights, sha256)
    card = json.loads((tmp_path / "tiny.json").read_text())
    assert card["sha256"] == sha256
    assert card["steps"] == 4
    assert card["data"] == [{"name": "Drawn", "licence": "CC0", "pictures": 3}]
    pictures = load_pictures([folder], 1)
    expected = {str(s): round(evaluate(network, pictures, s), 3) for s in (15, 25, 50)}
    assert card["results_psnr_db"] == {"pictures": expected}
    text = (tmp_path / "tiny.md").read_text()
    assert sha256 in text
    assert "4 steps" in text
    assert json.loads(invoke("evaluate", weights, "--data", folder).output) == {"pictures": expected}


def test_what_is_wrong_is_said_in_a_sentence(folder, tmp_path):
    with pytest.raises(StudioError, match="There is no configuration 'huge'"):
        invoke("train", "--data", folder, "--config", "huge", "--run", tmp_path / "r", "--steps", 1)
    with pytest.raises(StudioError, match="Say how long to train"):
        invoke("train", "--data", folder, "--config", "tiny", "--run", tmp_path / "r")
    with pytest.raises(StudioError, match="no training run"):
        invoke(
            "export", "--run", folder, "--config", "tiny", "--data", folder, "--licence", "a: b",
            "-o", tmp_path / "x.safetensors",
        )  # fmt: skip

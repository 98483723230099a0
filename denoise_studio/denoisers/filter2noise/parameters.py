"""The parameters of Filter2Noise: three for the training, and for each stage its maps and factors."""

from denoise_studio.core.parameter import Parameter, ParameterKind

LARGEST_SIGMA = 6.0
"""The network's own limit for every sigma: pixels for the widths, whole ranges for the contrast."""

SMALLEST_SIGMA = 0.05
"""A width in pixels below which the filter is the identity in float32: exp(-1 / 2 0.05²) = 1e-87."""


def _training() -> tuple[Parameter, ...]:
    return (
        Parameter(
            "stages",
            "Stages",
            "One filter, or a second one on the first one's result, which takes away more of the noise.",
            "2",
            kind=ParameterKind.CHOICE,
            choices=("1", "2"),
            refit=True,
        ),
        Parameter(
            "steps",
            "Training steps",
            "How long it trains on the picture; after about 300 steps the result hardly changes.",
            500,
            kind=ParameterKind.INT,
            minimum=30,
            maximum=3000,
            step=10,
            logarithmic=True,
            refit=True,
        ),
        Parameter(
            "dog_weight",
            "Edge weight λ",
            "How much the training insists on keeping edges: larger keeps more detail and more noise.",
            350.0,
            minimum=1.0,
            maximum=10000.0,
            step=1.0,
            logarithmic=True,
            refit=True,
        ),
    )


def _group(name: str) -> str:
    return f"Stage {name[-1]}"


def _factor(name: str, label: str, what: str) -> Parameter:
    return Parameter(
        f"{name}_factor",
        label,
        f"Multiplies the {what} that the training found; 1 leaves it, more smooths more.",
        1.0,
        unit="×",
        minimum=0.1,
        maximum=10.0,
        step=0.05,
        logarithmic=True,
        per_region=True,
        multiplies=(name,),
        group=_group(name),
    )


def _width(name: str, label: str, description: str) -> Parameter:
    return Parameter(
        name,
        label,
        description,
        1.0,
        unit="px",
        minimum=SMALLEST_SIGMA,
        maximum=LARGEST_SIGMA,
        step=0.05,
        logarithmic=True,
        per_region=True,
        fitted=True,
        group=_group(name),
    )


def _contrast(name: str, label: str) -> Parameter:
    return Parameter(
        name,
        label,
        "Differences well below this are averaged away as noise; those above stay as edges.",
        0.06,
        unit="value",
        # Wide enough for a picture whose values fill little of its scale, or far more than it.
        minimum=1e-5,
        maximum=20.0,
        step=0.0005,
        logarithmic=True,
        per_region=True,
        fitted=True,
        group=_group(name),
    )


def _window(stage: int) -> Parameter:
    return Parameter(
        f"window_{stage}",
        "Window radius",
        "Radius of the square window of every pixel; what a wider σ would reach beyond it is cut off.",
        2,
        kind=ParameterKind.INT,
        unit="px",
        minimum=1,
        maximum=2 * LARGEST_SIGMA,
        step=1,
        fitted=True,
        group=f"Stage {stage}",
    )


def _stage(stage: int) -> tuple[Parameter, ...]:
    x, y, r = (f"sigma_{axis}_{stage}" for axis in "xyr")
    return (
        _width(
            x,
            "Width σx",
            "How far to the left and right this stage averages. Larger: smoother, slower.",
        ),
        _factor(x, "Width σx", "width"),
        _width(y, "Height σy", "How far up and down this stage averages. Larger: smoother, slower."),
        _factor(y, "Height σy", "height"),
        _contrast(r, "Contrast σr"),
        _factor(r, "Contrast σr", "contrast"),
        _window(stage),
    )


PARAMETERS = (*_training(), *_stage(1), *_stage(2))

"""What a person can change of the adaptive filter: the maps, by factor or by number, per region."""

from denoise_studio.core.parameter import Parameter, ParameterKind

_AXES = (("x", "Width", "left and right"), ("y", "Height", "up and down"))


def _maps(stage: int) -> tuple[Parameter, ...]:
    group = f"Stage {stage}"
    spatial = tuple(
        Parameter(
            f"sigma_{axis}_{stage}",
            f"{word} σ{axis}",
            f"How far stage {stage} averages {where}, instead of what was found for each place.",
            1.5,
            unit="px",
            minimum=0.2,
            maximum=8.0,
            step=0.05,
            logarithmic=True,
            per_region=True,
            fitted=True,
            group=group,
        )
        for axis, word, where in _AXES
    )
    contrast = Parameter(
        f"sigma_r_{stage}",
        "Contrast σr",
        f"Differences well below this are averaged away by stage {stage}, instead of what was found.",
        0.06,
        unit="value",
        minimum=1e-6,
        maximum=2.0,
        step=0.0005,
        logarithmic=True,
        per_region=True,
        fitted=True,
        group=group,
    )
    return (*spatial, contrast)


def _factor(name: str, label: str, description: str, multiplies: tuple[str, ...], group: str) -> Parameter:
    return Parameter(
        name,
        label,
        description,
        1.0,
        unit="×",
        minimum=0.1,
        maximum=10.0,
        step=0.01,
        logarithmic=True,
        per_region=True,
        multiplies=multiplies,
        group=group,
    )


def _factors(stage: int) -> tuple[Parameter, ...]:
    words = {"x": "width", "y": "height", "r": "contrast"}
    return tuple(
        _factor(
            f"sigma_{axis}_{stage}_factor",
            f"{words[axis].capitalize()} σ{axis}",
            f"Multiplies stage {stage}'s {words[axis]} map.",
            (f"sigma_{axis}_{stage}",),
            f"Stage {stage}",
        )
        for axis in "xyr"
    )


_ALL = tuple(f"sigma_{axis}_{stage}" for stage in (1, 2) for axis in "xyr")

PARAMETERS = (
    _factor(
        "smoothing",
        "Smoothing",
        "Multiplies all maps: above 1 smoother, below 1 more of the original's detail and noise.",
        _ALL,
        "",
    ),
    Parameter(
        "stages",
        "Stages",
        "One filter, or a second one guided by the first, which takes away more of the noise.",
        "2",
        ParameterKind.CHOICE,
        choices=("1", "2"),
        refit=True,
        group="Fit",
    ),
    Parameter(
        "noise_factor",
        "Noise",
        "Multiplies the noise that was measured in the picture, and fits the maps again.",
        1.0,
        unit="×",
        minimum=0.25,
        maximum=4.0,
        step=0.01,
        logarithmic=True,
        refit=True,
        group="Fit",
    ),
    *_factors(1),
    *_maps(1),
    *_factors(2),
    *_maps(2),
)

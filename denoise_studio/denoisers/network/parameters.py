"""What a person can change of the network: the noise it is told, everywhere or per region."""

from denoise_studio.core.parameter import Parameter, ParameterKind

PARAMETERS = (
    Parameter(
        "noise",
        "Noise level",
        "Multiplies the noise that the network is told: above 1 smoother, below 1 more of the original.",
        1.0,
        unit="×",
        minimum=0.0,
        maximum=10.0,
        step=0.01,
        logarithmic=True,
        per_region=True,
        multiplies=("sigma",),
        role="noise",
    ),
    Parameter(
        "sigma",
        "Noise σ",
        "One noise standard deviation everywhere, instead of what was estimated for each place. "
        "0 leaves the pixels as they are.",
        0.02,
        unit="value",
        minimum=0.0,
        maximum=2.0,
        step=0.0001,
        logarithmic=True,
        per_region=True,
        fitted=True,
        group="Fit",
    ),
    Parameter(
        "follow",
        "Noise differs",
        "Follow the noise's strength from place to place and with brightness, or take one value everywhere.",
        "from place to place",
        ParameterKind.CHOICE,
        choices=("from place to place", "nowhere"),
        refit=True,
        group="Fit",
    ),
    Parameter(
        "calibrate",
        "Match correlated noise",
        "Tell the network the level that serves best for noise that neighbouring pixels share.",
        True,
        ParameterKind.BOOL,
        refit=True,
        group="Fit",
    ),
)

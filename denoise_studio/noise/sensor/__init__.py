"""The noise of a camera's sensor: models, estimation, stabilisation, dark frames, simulation."""

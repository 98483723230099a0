"""Low-dose CT made in the projections: kernels, projector, counts, calibration, simulation."""

"""The parts of `benchmarks/denoisers.py`."""

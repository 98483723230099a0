"""The parts of `benchmarks/adaptive_bilateral.py`."""

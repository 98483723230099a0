"""The parts of `benchmarks/iem.py`."""

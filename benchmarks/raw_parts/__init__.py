"""Parts of `raw_noise.py` and `raw_speed.py`."""

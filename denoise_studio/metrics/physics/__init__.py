"""Measures of medical physics: region statistics, contrast, noise power, sharpness, profiles.

Every function takes plain values `(h, w)` and says in which unit its numbers are. See docs/measurements.md.
"""

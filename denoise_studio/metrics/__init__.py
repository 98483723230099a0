"""Numbers about one picture, or about two: what each compares is part of the number."""

from denoise_studio.metrics.base import Measurement, Metric
from denoise_studio.metrics.iem.measure import InformationEstimation, iem, local_iem
from denoise_studio.metrics.registry import all_metrics, get_metric, measure, register, unregister
from denoise_studio.metrics.statistics import statistics

__all__ = [
    "InformationEstimation",
    "Measurement",
    "Metric",
    "all_metrics",
    "get_metric",
    "iem",
    "local_iem",
    "measure",
    "register",
    "statistics",
    "unregister",
]

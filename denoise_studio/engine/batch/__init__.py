"""Many pictures with one wish: found, rendered one after the other or several at once, recorded, told.

>>> from denoise_studio.engine import batch                               # doctest: +SKIP
>>> report = batch.run(["scans"], "denoised", recursive=True)             # doctest: +SKIP
>>> report.totals.failed                                                  # doctest: +SKIP
0
"""

from denoise_studio.engine.batch.report import REPORT_NAME, Entry, Report, Totals, read_report
from denoise_studio.engine.batch.runner import Watcher, run
from denoise_studio.engine.batch.series import run_series

__all__ = ["REPORT_NAME", "Entry", "Report", "Totals", "Watcher", "read_report", "run", "run_series"]

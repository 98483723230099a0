"""Running a batch: one thread opens files ahead, others render, the caller's thread keeps the report."""

import contextlib
import dataclasses
import os
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.engine.batch import done
from denoise_studio.engine.batch.inputs import find_inputs
from denoise_studio.engine.batch.memory import Budget, budget_bytes, guess_bytes, open_bytes, working_bytes
from denoise_studio.engine.batch.names import SAME, Task
from denoise_studio.engine.batch.names import plan as plan_outputs
from denoise_studio.engine.batch.report import Entry, Report, read_report, write_report
from denoise_studio.engine.batch.work import (
    FolderFull,
    Opened,
    Plan,
    check_folder,
    earlier,
    failed,
    finish,
    open_task,
    skipped_with_facts,
)
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions
from denoise_studio.formats.files import remove_leftovers

_REPORT_EVERY = 5.0
_TICK = 0.2


class Watcher(Protocol):
    """Hears of a batch, on the thread that called `run`."""

    def file(self, entry: Entry, report: Report) -> None:
        """A file is through."""

    def tick(self, report: Report, running: dict[str, float]) -> None:
        """Some time has passed; `running` maps files to how far they are, 0..1."""


class _Silent:
    def file(self, entry: Entry, report: Report) -> None: ...

    def tick(self, report: Report, running: dict[str, float]) -> None: ...


def run(
    inputs: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    wishes: Wishes | None = None,
    options: SaveOptions | None = None,
    ending: str = SAME,
    suffix: str = "",
    recursive: bool = False,
    force: bool = False,
    jobs: int = 1,
    memory: int | None = None,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Denoise many files into a folder.

    What an earlier run has done with the same wish is skipped, so a batch that was ended early goes
    on when it is run again. A file that fails costs one sentence in its entry.

    Args:
        inputs: files, folders or patterns (`engine.batch.inputs`).
        folder: where outputs, their records and `batch-report.json` go; made if it is missing.
        wishes: what to do; None takes each picture's default.
        options: depth and JPEG quality.
        ending: of outputs, without the dot; "same" takes each source's own (`engine.batch.names`).
        suffix: put behind names.
        recursive: take sub-folders too; they are kept below `folder`.
        force: render everything, and replace outputs that have no record.
        jobs: pictures that are rendered at a time, as far as memory allows.
        memory: bytes that the pictures may take; None takes a part of what is free.
        progress: told how far it is; its `cancel` ends the batch, with nothing half-written.
        watcher: told of every file.

    Returns:
        The report, which is also written; `cancelled` or `stopped` tell that it ended early.

    Raises:
        StudioError: there is nothing to do, the wish makes no sense, or the folder cannot be written.
    """
    folder = _folder(folder)
    found = find_inputs(inputs, folder, recursive=recursive)
    if not found:
        hint = "" if recursive else "; sub-folders are taken with --recursive"
        raise FormatError(f"There is no picture to denoise: none, or only outputs of this program{hint}.")
    tasks = plan_outputs(found, folder, ending, suffix)
    return carry_out(
        tasks,
        folder,
        wishes,
        options,
        force=force,
        jobs=jobs,
        memory=memory,
        progress=progress,
        watcher=watcher,
    )


def carry_out(
    tasks: Sequence[Task],
    folder: Path,
    wishes: Wishes | None,
    options: SaveOptions | None,
    *,
    force: bool = False,
    jobs: int = 1,
    memory: int | None = None,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
    source: str = "",
    state: str = "",
) -> Report:
    """`run` for files whose outputs are settled.

    `source` is a checksum of the series that the tasks are the slices of, `state` one of what every result
    depends on beside its own file.

    Raises:
        StudioError: the wish makes no sense, the folder cannot be written, or holds another series.
    """
    wishes, options = wishes or Wishes(), options or SaveOptions()
    wishes.check()
    before = _prepare(_folder(folder), tasks)
    if before is not None and not force:
        _refuse_another(before, folder, source, options)
    described = done.wish(wishes, options)
    if state:
        described["series_state"] = state
    report = Report(files=[Entry(input=task.name, output=task.output) for task in tasks], wish=described)
    report.source = source
    report.asked = done.asked(described)
    if before is not None and before.asked == report.asked and not force:
        report.id = before.id
    saving = dataclasses.replace(options, series=report.id)
    plan = Plan(folder, wishes, saving, report.asked, force)
    budget = Budget(memory if memory is not None else budget_bytes())
    batch = _Batch(tasks, plan, budget, max(1, jobs), report, before)
    batch.run(progress or Progress(), watcher or _Silent())
    return report


def _refuse_another(before: Report, folder: Path, source: str, options: SaveOptions) -> None:
    """Raise `FormatError` where outputs would be mixed with those of another series or another secret."""
    if source != before.source and (source or before.source):
        raise FormatError(
            f"{folder.name} holds what was made of another series, or a batch; choose another folder."
        )
    if source and options.anonymise and any(entry.status in ("done", "skipped") for entry in before.files):
        raise FormatError(
            f"{folder.name} holds anonymised slices of an earlier run, whose new identifiers cannot be made "
            "again; choose another folder, or have all made anew with --force."
        )


def _folder(folder: str | os.PathLike[str]) -> Path:
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FormatError(f"{folder} is a file; outputs need a folder.")
    return folder


def _prepare(folder: Path, tasks: Sequence[Task]) -> Report | None:
    """Make the folder, once something can go there, and look for an earlier report."""
    try:
        if any(not task.problem for task in tasks):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"Cannot make {folder}: {(error.strerror or str(error)).lower()}.") from None
    if not folder.is_dir():
        raise FormatError(tasks[0].problem)
    check_folder(folder)
    remove_leftovers(folder)
    return read_report(folder)


class _Batch:
    """The threads of one run. All that they tell goes through `_events` to the caller's thread."""

    def __init__(
        self,
        tasks: Sequence[Task],
        plan: Plan,
        budget: Budget,
        jobs: int,
        report: Report,
        before: Report | None,
    ) -> None:
        self._tasks, self._plan, self._budget, self._jobs = tasks, plan, budget, jobs
        self._report = report
        self._before = {entry.output: entry for entry in before.files if entry.output} if before else {}
        self._stop = Progress()
        self._events: queue.SimpleQueue[tuple[int, Entry] | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[tuple[int, Opened] | None] = queue.SimpleQueue()
        # One picture more than are rendered: read while the others are computed.
        self._slots = threading.Semaphore(jobs + 1)
        self._running: dict[str, float] = {}
        self._folder_full: FolderFull | None = None

    def run(self, progress: Progress, watcher: Watcher) -> None:
        threads = [threading.Thread(target=self._read, name="denoise-batch-open", daemon=True)]
        threads += [
            threading.Thread(target=self._render, name=f"denoise-batch-{number}", daemon=True)
            for number in range(self._jobs)
        ]
        started = time.monotonic()
        self._write()  # a run that is killed has its name already: what goes on joins its series
        for thread in threads:
            thread.start()
        try:
            self._listen(progress, watcher, started)
        finally:
            self._stop.cancel()
            for thread in threads:
                thread.join()
            self._drain()
            self._report.seconds = round(time.monotonic() - started, 2)
            self._report.cancelled = self._report.totals.left > 0 and not self._report.stopped
            self._write()

    def _listen(self, progress: Progress, watcher: Watcher, started: float) -> None:
        """Keep the report until every thread that renders has ended."""
        ended, written = 0, started
        while ended < self._jobs:
            if progress.cancelled:
                self._stop.cancel()
            self._report.seconds = round(time.monotonic() - started, 2)
            with contextlib.suppress(queue.Empty):
                event = self._events.get(timeout=_TICK)
                if event is None:
                    ended += 1
                else:
                    self._put(event)
                    watcher.file(event[1], self._report)
                    self._tell(progress)
            watcher.tick(self._report, dict(self._running))
            if time.monotonic() - written > _REPORT_EVERY:
                self._write()
                written = time.monotonic()

    def _drain(self) -> None:
        """What was finished while somebody ended the run is in the report too."""
        while not self._events.empty():
            if (event := self._events.get()) is not None:
                self._put(event)
        if self._folder_full is not None:
            self._report.stopped = str(self._folder_full)

    def _put(self, event: tuple[int, Entry]) -> None:
        self._report.files[event[0]] = event[1]

    def _tell(self, progress: Progress) -> None:
        totals = self._report.totals
        with contextlib.suppress(Cancelled):  # noticed at the next turn
            progress.report(1 - totals.left / totals.files, "batch")

    def _write(self) -> None:
        """A report that cannot be written does not end the work; that its folder is full, outputs tell."""
        try:
            write_report(self._report, self._plan.folder)
        except FormatError as error:
            self._report.stopped = self._report.stopped or str(error)

    def _read(self) -> None:
        """Open one file after the other, as far ahead as slots and memory allow."""
        try:
            for index, task in enumerate(self._tasks):
                self._open(index, task)
        except Cancelled:
            pass
        finally:
            for _ in range(self._jobs):
                self._ready.put(None)

    def _open(self, index: int, task: Task) -> None:
        self._stop.check()
        if task.problem:
            self._events.put((index, failed(task, self._plan, FormatError(task.problem))))
            return
        try:
            found = earlier(task, self._plan)
            if isinstance(found, Entry):
                self._events.put((index, skipped_with_facts(found, self._before.get(task.output))))
                return
            while not self._slots.acquire(timeout=_TICK):
                self._stop.check()
            self._budget.open(index, guess_bytes(task.path), self._stop)
            try:
                opened = open_task(task, self._plan, found, self._stop.part(0.0, 1.0))
            except BaseException:
                self._leave(index)
                raise
        except Cancelled:
            raise
        except Exception as error:
            self._events.put((index, failed(task, self._plan, error)))
            return
        self._budget.opened(index, open_bytes(opened.picture))
        self._ready.put((index, opened))

    def _leave(self, index: int) -> None:
        self._budget.close(index)
        self._slots.release()

    def _render(self) -> None:
        try:
            while (item := self._ready.get()) is not None:
                self._finish(*item)
                del item  # no picture is kept while the next one is waited for
        finally:
            self._events.put(None)

    def _finish(self, index: int, opened: Opened) -> None:
        task = opened.task
        progress = self._stop.part(0.0, 1.0)
        progress.listen(lambda fraction, text: self._running.update({task.name: fraction}))
        try:
            self._stop.check()
            self._budget.work(index, working_bytes(opened.picture, opened.recipe.method), self._stop)
            self._running[task.name] = 0.0
            entry = finish(opened, self._plan, progress)
        except Cancelled:
            return
        except FolderFull as error:
            self._folder_full = error
            self._stop.cancel()
            return
        except Exception as error:
            entry = failed(task, self._plan, error)
        finally:
            self._running.pop(task.name, None)
            self._leave(index)
        self._events.put((index, entry))

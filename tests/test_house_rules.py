"""The fixtures in conftest.py do catch what they are there to catch; imports stay light."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

LEAK = """
    import threading
    stop = threading.Event()
    def test_leaks():
        threading.Thread(target=stop.wait, args=(20,), name="forgotten", daemon=True).start()
    def test_stops_it_for_the_next():
        stop.set()
"""
TIDY = """
    import threading
    def test_tidy():
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
    def test_pool():
        from denoise_studio.engine.workers import pool
        pool().submit(lambda: None).result()
"""
LOUD = """
    import logging, pytest
    def test_warns():
        logging.getLogger("denoise_studio.x").warning("something is %s", "odd")
    def test_says_info():
        logging.getLogger("denoise_studio.x").info("fine")
    def test_looks_for_it(caplog):
        logging.getLogger("denoise_studio.x").warning("expected")
        assert "expected" in caplog.text
    @pytest.mark.allow_log
    def test_may():
        logging.getLogger("denoise_studio.x").error("allowed")
"""


@pytest.fixture
def inner(pytester, request):
    conftest = (request.config.rootpath / "tests" / "conftest.py").read_text()
    pytester.makeconftest(conftest)
    return pytester


def test_a_leaked_thread_fails_the_test_and_is_named(inner):
    inner.makepyfile(LEAK)
    result = inner.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*left threads running*forgotten*", "*test_a_leaked_thread*.py*in test_leaks*"]
    )


def test_ended_threads_and_the_tile_pool_are_no_leak(inner):
    inner.makepyfile(TIDY)
    inner.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


@pytest.mark.allow_log  # the inner run's warnings pass through this one's handlers
def test_an_unexpected_warning_in_the_log_fails_the_test(inner):
    inner.makepyfile(LOUD)
    result = inner.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*logged unexpectedly*something is odd*"])


@pytest.mark.parametrize(
    "name", ["denoise_studio", "denoise_studio.denoisers", "denoise_studio.engine.render"]
)
def test_importing_loads_no_toolkit(name):
    code = (
        f"import sys, {name}; "
        "heavy = {'torch', 'PySide6', 'numba', 'cv2', 'pyqtgraph', 'qtpy', 'PIL', 'pydicom'}; "
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

import logging

import pytest

from openpool_management.cli.output import StderrHandler


def test_a_logged_defect_comes_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("any")
    logger.addHandler(StderrHandler())
    logger.warning("Expected.")
    assert capsys.readouterr().err == "Expected.\n"
    try:
        raise ZeroDivisionError("of ours\x1b[2J")
    except ZeroDivisionError:
        logger.exception("A defect.")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "A defect." and rest[0] == "Traceback (most recent call last):"
    # Whatever stands in it does not steer a terminal.
    assert rest[-1] == "ZeroDivisionError: of ours\\x1b[2J"

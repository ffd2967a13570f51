import logging
import warnings

import pytest

from pose_core import UserError
from pose_core.exporting import EXPORTER_LOGGER, NEWEST_OPSET, OPSET, check_opset, check_packages, quiet


def test_a_missing_package_is_named_with_its_extra():
    check_packages("some-package", "json", "email.message")
    with pytest.raises(UserError, match=r"exporting needs nowhere: pip install 'some-package\[onnx\]'"):
        check_packages("some-package", "json", "nowhere")


def test_operator_sets_that_cannot_be_written_are_refused():
    for opset in (OPSET, NEWEST_OPSET):
        check_opset(opset)
    for opset in (OPSET - 1, NEWEST_OPSET + 1):
        with pytest.raises(UserError, match=rf"--opset {opset}: cannot be written; choose from 18 to 23"):
            check_opset(opset)


def test_exporter_warnings_are_silenced_inside_only(caplog, monkeypatch):
    logger = logging.getLogger(EXPORTER_LOGGER)
    monkeypatch.setattr(logging.getLogger("torch"), "propagate", True)  # older torch, once imported, keeps its own
    with warnings.catch_warnings(record=True) as heard, pytest.raises(KeyError):
        warnings.simplefilter("always")
        with quiet():
            for category in (UserWarning, FutureWarning, DeprecationWarning):
                warnings.warn("a remark", category, stacklevel=1)
            logger.warning("another")
            raise KeyError
    assert not heard
    assert not caplog.records
    logger.warning("now")
    assert [record.message for record in caplog.records] == ["now"]

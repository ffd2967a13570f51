"""Where results go; `test_jobs.py` runs what is planned here."""

import pytest

from pose_core import UserError
from pose_core.outputs import OutputNames, check_outputs, numbered_outputs
from pose_core.writing import WRITABLE, write_poses

SERIES = {"writable": (".pose", ".html"), "joint": (".html",)}


def test_a_series_goes_to_a_folder_or_one_file_that_holds_all(tmp_path):
    folder = numbered_outputs("sample", 3, tmp_path / "out", ".pose", **SERIES)
    assert [path.name for path in folder] == ["sample_01.pose", "sample_02.pose", "sample_03.pose"]
    assert folder[0].parent.is_dir()
    assert numbered_outputs("sample", 3, tmp_path / "all.html", ".pose", **SERIES) == [tmp_path / "all.html"]
    assert numbered_outputs("sample", 1, tmp_path / "one.pose", ".pose", **SERIES) == [tmp_path / "one.pose"]
    assert numbered_outputs("sample", 100, tmp_path, ".pose", **SERIES)[0].name == "sample_001.pose"


@pytest.mark.parametrize(
    ("output", "suffix", "message"),
    [
        ("a.pose", ".pose", r"a\.pose: holds one sample, not 2; name a folder or an \.html file"),
        ("a.mp3", ".pose", r"a\.mp3: cannot write \.mp3; use \.pose, \.html"),
        ("folder", ".mp3", r"^\.mp3: unknown format; use \.pose, \.html"),
        ("old.html", ".pose", r"old\.html: exists"),
    ],
)
def test_a_series_that_cannot_be_written_is_refused(tmp_path, output, suffix, message):
    (tmp_path / "old.html").write_text("")
    with pytest.raises(UserError, match=message):
        numbered_outputs("sample", 2, tmp_path / output, suffix, **SERIES)


def test_names_of_outputs(tmp_path):
    path = tmp_path / "a.CSV"
    assert OutputNames(".npz").of(path).name == "a.npz"
    assert OutputNames(infix=".fixed").of(path).name == "a.fixed.csv"
    assert OutputNames(writable=(".pose", ".npz")).of(path).name == "a.pose"


def test_outputs_that_nothing_writes_are_refused(tmp_path):
    check_outputs([tmp_path / "a.pose"], writable=(".pose",))
    with pytest.raises(UserError, match="cannot write a file without suffix; use .pose"):
        check_outputs([tmp_path / "a.pose", tmp_path / "b"], writable=(".pose",))


@pytest.mark.parametrize("suffix", WRITABLE)
def test_poses_are_written_as_the_suffix_says(holistic, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_poses({"first": holistic, "second": holistic}, path)
    with pytest.raises(UserError, match="exists"):
        write_poses(holistic, path)
    write_poses(holistic, path, overwrite=True)
    if suffix == ".html":
        write_poses({"first": holistic, "second": holistic}, path, overwrite=True)
        assert '"name":"second"' in path.read_text("utf-8")

"""Outputs are there whole or not at all."""

import os
import sys

import pytest

from pose_core import UserError
from pose_core.atomic_files import apply_umask, atomic_write, check_output, check_output_folder, removed_if_empty


def test_atomic_write_leaves_only_the_file(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_write(path) as temporary:
        assert temporary.suffix == ".txt"
        assert temporary != path
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, RuntimeError])
def test_a_failing_writer_leaves_nothing(tmp_path, error):
    with pytest.raises(error), atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert not list(tmp_path.iterdir())


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ValueError), atomic_write(path, overwrite=True) as temporary:
        temporary.write_text("half")
        raise ValueError
    assert path.read_text() == "old"


def test_a_full_disk_is_the_users_error(tmp_path):
    with (
        pytest.raises(UserError, match=r"a\.txt: cannot be written \(No space left"),
        atomic_write(tmp_path / "a.txt"),
    ):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_existing_output_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UserError, match=r"a\.txt: exists; use --overwrite"):
        check_output(path)
    check_output(path, overwrite=True)
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_output_without_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "missing" / "a.txt", tmp_path / "file" / "a.txt"):
        with pytest.raises(UserError, match="there is no folder"):
            check_output(path)
    with pytest.raises(UserError, match="is a folder"):
        check_output(tmp_path, overwrite=True)


def test_output_folder(tmp_path):
    check_output_folder(tmp_path / "new" / "deep")
    assert (tmp_path / "new" / "deep").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        check_output_folder(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be created"):
        check_output_folder(tmp_path / "file" / "deep")


def test_an_empty_folder_is_removed_after_a_failure(tmp_path):
    old, new, used = (tmp_path / name for name in ("old", "new", "used"))
    old.mkdir()
    for folder, name in ((old, None), (new, None), (used, "result"), (None, None)):
        with pytest.raises(UserError, match="no"), removed_if_empty(folder):
            if folder is not None:
                check_output_folder(folder / "deep")
            if name:
                (folder / "deep" / name).touch()
            raise UserError("no")
    assert (old / "deep").is_dir()
    assert not new.exists()
    assert (used / "deep" / "result").is_file()
    with removed_if_empty(new):
        check_output_folder(new)
    assert new.is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_have_the_permissions_of_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        private = tmp_path / "private"
        private.touch(mode=0o600)
        apply_umask(private)
        with atomic_write(tmp_path / "whole") as temporary:
            temporary.touch()
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (private, tmp_path / "whole")] == [mode, mode]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["private", "whole"]

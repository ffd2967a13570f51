"""Manifests as spreadsheets, pandas and other people's scripts write them."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.commands.preprocessing import pack_data
from pose_core.data import Clip, PoseDataset, ShardDataset, check_data, pack, read_clip, read_clips, read_manifest
from pose_core.testing import fake_sequence

HEADER = "path,text,signed_language,split\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "clips").mkdir()
    write(fake_sequence(frames=50, fps=25.0), tmp_path / "clips" / "a.pose")
    write(fake_sequence(frames=40), tmp_path / "clips" / "b.pose")
    return tmp_path


def manifest(folder, content, encoding="utf-8"):
    index = folder / "data.csv"
    index.write_bytes(content.encode(encoding))
    return index


def quiet(path):
    """The clips of a manifest that nothing is to be said of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_manifest(path)


def noticed(call, *arguments, **options):
    """Result of a call, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(*arguments, **options)
    return result, [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("path;text;signed_language;split\nclips/a.pose;A, B;ase;train\n", "utf-8"),
        ("path\ttext\tsigned_language\tsplit\r\nclips/a.pose\tA, B\tase\ttrain\r\n", "utf-16"),  # Excel, Unicode Text
        ("sep=;\r\npath;text;signed_language;split\r\nclips/a.pose;A, B;ase;train\r\n", "utf-8-sig"),
        ('Path, Text, Signed Language, Split\nclips/a.pose, "A, B", ase, train\n', "utf-8"),
        ('path|text|signed-language|split\n"clips/a.pose"|A, B|ase|train\n', "utf-8"),
        ('path,text,signed_language,split\nclips\\a.pose,"A, B",ase,train\n', "utf-8"),
        ('path,text,signed_language,split\nclips/a.pose,"A, B",ase,Training\n,,,\n\n', "utf-8"),
        ('path,text,signed_language,split,,\nclips/a.pose,"A, B",ase,train,,\n', "utf-8"),
    ],
)
def test_csv_dialects(folder, content, encoding):
    expected = Clip(folder / "clips" / "a.pose", "A, B", "ase", "train")
    assert quiet(manifest(folder, content, encoding)) == [expected]


def test_the_names_of_splits_are_those_of_folders(folder):
    names = ["train", "Train", "TRAINING", "val", "Valid", "validation", "dev", "test"]
    splits = [clip.split for clip in read_manifest(manifest(folder, rows(names)))]
    assert splits == ["train"] * 3 + ["validation"] * 4 + ["test"]
    with pytest.warns(UserWarning, match="2 of split 'dev2', 1 of split 'fold 1': used only where --split names it"):
        read_manifest(manifest(folder, rows(["train", "dev2", "dev2", "fold 1"])))


def rows(splits):
    """Rows of these splits, each of a second of its own of one clip."""
    lines = [f"clips/a.pose,A,ase,{split},{i}s,{i + 1}s\n" for i, split in enumerate(splits)]
    return HEADER.replace("\n", ",start,end\n") + "".join(lines)


def test_all_bad_rows_are_reported_at_once(folder):
    bad = "gone.pose,A,ase,train\nclips/a.pose,,ase,train\nclips/a.pose,B,ase,\nclips/b.pose,Hello, world,ase,train\n"
    index = manifest(folder, HEADER + "clips/a.pose,A,ase,train\n" + bad)
    with pytest.raises(UserError) as error:
        read_manifest(index)
    for part in (
        f"{index}: 4 of 5 rows cannot be used: line 3: there is no file",
        "line 4: no text",
        "line 5: no split",
        "line 6: has more than the header's 4 values ('train'); quote a text with commas",
    ):
        assert part in str(error.value)
    with pytest.raises(UserError, match=r"1000 of 1000 rows .*; and 995 more$"):
        read_manifest(manifest(folder, HEADER + "gone.pose,A,ase,train\n" * 1000))


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (HEADER + "clips/a.pose,ä,gsg,train\n", "latin-1", "line 2 is in another encoding.*save it as UTF-8"),
        ("file,text,language,split\nclips/a.pose,A,ase,train\n", "utf-8", "this has file, text, language, split"),
        ("path,Path,text,signed_language,split\na,a,A,ase,train\n", "utf-8", "has the column path twice"),
        (HEADER + "C:\\data\\a.pose,A,ase,train\n", "utf-8", "lies outside .*; name it relative to the manifest"),
        (HEADER + "/data/a.pose,A,ase,train\n", "utf-8", "lies outside .*; name it relative to the manifest"),
    ],
)
def test_files_that_are_no_manifest_are_refused(folder, content, encoding, message):
    with pytest.raises(UserError, match=message):
        read_manifest(manifest(folder, content, encoding))


def test_a_pose_file_is_no_manifest(folder):
    with pytest.raises(UserError, match=r"a\.pose: is a pose file; name the folder it is in"):
        read_clips(folder / "clips" / "a.pose")


def test_accents_composed_or_not(folder):
    write(fake_sequence(frames=4), folder / "clips" / "a\u0308.pose")  # as macOS writes it
    assert quiet(manifest(folder, HEADER + "clips/\u00e4.pose,A,ase,train\n"))[0].path.is_file()


def test_a_link_to_a_file_elsewhere(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk2")
    write(fake_sequence(frames=4), elsewhere / "c.pose")
    (folder / "clips" / "c.pose").symlink_to(elsewhere / "c.pose")
    (folder / "more").symlink_to(elsewhere)
    content = HEADER + "clips/c.pose,A,ase,train\nmore/c.pose,A,ase,validation\n"
    with pytest.warns(UserWarning, match="1 clip in train and validation both"):
        assert len(read_manifest(manifest(folder, content))) == 2


@pytest.mark.parametrize(
    ("columns", "values", "expected", "notice"),
    [
        ("start,end", ("10,20", "20,"), [(10, 20), (20, None)], "start and end: read as frames; if they are seconds"),
        ("start,end", ("0,1", "1,1.5"), [(0.0, 1.0), (1.0, 1.5)], "start and end: read as seconds; if they are frames"),
        ("start,end", ("10.0,20.0", ","), [(10, 20), (None, None)], "read as frames"),  # pandas, with gaps
        ("start,end", ("0.5s,1s", "0:01,0:01.5"), [(0.5, 1.0), (1.0, 1.5)], None),
        ("start_frame,end_frame", ("10,20", "20,-1"), [(10, 20), (20, None)], None),
        ("frame_start,frame_end", ("10,20", "20,30"), [(10, 20), (20, 30)], None),
        ("start_seconds,end_seconds", ("0,1", "1,2"), [(0.0, 1.0), (1.0, 2.0)], None),
        ("start_ms,end_ms", ("0,1000", "1000,1500"), [(0.0, 1.0), (1.0, 1.5)], None),
        ("begin,duration", ("0,1", "1,2"), [(None, None)] * 2, "begin, duration: not read; where a clip begins"),
    ],
)
def test_start_and_end_of_clips(folder, columns, values, expected, notice):
    header = HEADER.strip() + "," + columns
    lines = [f"clips/a.pose,{text},ase,train,{value}" for text, value in zip("AB", values, strict=True)]
    index = manifest(folder, "\n".join([header, *lines]))
    if notice is None:
        clips = quiet(index)
    else:
        with pytest.warns(UserWarning, match=notice):
            clips = read_manifest(index)
    assert [(clip.start, clip.end) for clip in clips] == expected
    assert [type(clip.start) for clip in clips] == [type(start) for start, _ in expected]
    whole = read(folder / "clips" / "a.pose").keypoints
    for clip in clips:
        places = [None if p is None else p if isinstance(p, int) else round(25 * p) for p in (clip.start, clip.end)]
        np.testing.assert_array_equal(read_clip(clip).keypoints, whole[slice(*places)])


def test_the_frame_rate_of_a_file_that_has_none(folder):
    write(fake_sequence(frames=50), folder / "clips" / "c.csv")
    header = HEADER.strip() + ",fps,start_seconds\n"
    (clip,) = quiet(manifest(folder, header + "clips/c.csv,A,ase,train,50,0.5\n"))
    sequence = read_clip(clip)
    assert (sequence.fps, len(sequence)) == (50, 25)
    for fps in ("0", "fast", "inf"):
        with pytest.raises(UserError, match=f"line 2: fps '{fps}' is not a number of frames per second"):
            read_manifest(manifest(folder, header + f"clips/c.csv,A,ase,train,{fps},\n"))


def test_decimal_commas(folder):
    index = manifest(folder, HEADER.strip().replace(",", ";") + ";start;end\nclips/a.pose;A;ase;train;0,5;1,5\n")
    with pytest.warns(UserWarning, match="read as seconds"):
        assert (read_manifest(index)[0].start, read_manifest(index)[0].end) == (0.5, 1.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("soon,20", "line 2: start 'soon' is not a frame such as 50, nor seconds such as 2.5s"),
        ("-3,20", "line 2: start '-3' is not"),
        ("20,10", "line 2: ends at 10, where it has not begun"),
        ("nan,20", "line 2: start 'nan' is not"),
    ],
)
def test_malformed_positions_are_refused(folder, values, message):
    with pytest.raises(UserError, match=message):
        read_manifest(manifest(folder, HEADER.strip() + f",start,end\nclips/a.pose,A,ase,train,{values}\n"))


def test_segments_are_packed_and_loaded(folder):
    content = HEADER.strip() + ",start_frame,end_frame,signer\nclips/a.pose,A,ase,train,10,20,p1\n"
    index = manifest(folder, content + "clips/a.pose,B,ase,train,30,,p2\nclips/b.pose,C,ase,val,,,p3\n")
    assert PoseDataset(quiet(index)).lengths == [10, 20, 40]
    shards = pack_data(index, folder=folder / "shards", say=print)
    assert [(shard.split, shard.clips, shard.frames) for shard in shards] == [("train", 2, 30), ("validation", 1, 40)]
    packed = ShardDataset(folder / "shards", "train")
    samples = list(packed)
    assert [len(sample.sequence) for sample in samples] == [10, 20]
    assert [sample.clip for sample in samples] == packed.read_clips()
    assert [(c.start, c.end, c.person) for c in packed.read_clips()] == [(10, 20, "p1"), (30, None, "p2")]
    assert len(ShardDataset(folder / "shards", "dev")) == 1


def test_shards_of_older_versions_are_read(folder):
    pack([(Clip(Path("a.pose"), "A", "ase", "val", start=2.5), fake_sequence(frames=5))], folder / "shards")
    assert ShardDataset(folder / "shards", "validation").read_clips()[0].start == 2.5
    index = json.loads((folder / "shards" / "index.json").read_text())
    assert index["shards"][0]["split"] == "val"  # as a manifest of before had it
    listing = folder / "shards" / "clips.csv"
    listing.write_text("path,text,signed_language,split,spoken_language\na.pose,A,ase,val,\n")
    assert ShardDataset(folder / "shards", "validation").read_clips() == [
        Clip(Path("a.pose"), "A", "ase", "validation")
    ]


def test_clips_in_two_splits(folder):
    header = HEADER.strip() + ",start_frame,end_frame\n"
    apart = "clips/a.pose,A,ase,train,0,25\nclips/a.pose,A,ase,val,25,50\nclips/b.pose,B,ase,train,,\n"
    assert len(quiet(manifest(folder, header + apart))) == 3
    together = apart + "clips/a.pose,A,ase,test,20,30\nclips/b.pose,B,ase,val,10,20\n"
    _, (message,) = noticed(read_manifest, manifest(folder, header + together))
    assert "3 clips in test and train and validation both" in message
    assert "line 2 (a.pose) as train, line 5 (a.pose) as test" in message


def test_clips_listed_twice_people_in_two_splits_and_languages_in_two_spellings(folder):
    header = HEADER.strip() + ",person\n"
    content = "clips/a.pose,A,ase,train,p1\nclips/a.pose,A,ase,train,p1\nclips/b.pose,B,ASE,val,p1\n"
    clips, messages = noticed(read_manifest, manifest(folder, header + content))
    assert len(clips) == 3
    for part in (
        "1 clip listed more than once, counted as often: a.pose",
        "1 of 1 people are in train and in other splits, where scores are not of new people: p1",
        "signed_language ASE and ase: taken for different languages",
    ):
        assert part in " ".join(messages)


def test_checking_data_reads_no_poses_and_imports_no_torch(folder):
    index = manifest(folder, HEADER + "clips/a.pose,A,ase,train\n")
    code = (
        f"import sys; from pose_core.data import check_data; check_data({str(index)!r});"
        "assert not {'torch', 'pose_format', 'lightning'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
    with pytest.raises(UserError, match="no clip has split train; there is nothing to train on, but 1 of 'test'"):
        check_data(manifest(folder, HEADER + "clips/a.pose,A,ase,test\n"))
    check_data("s3://bucket/shards")

"""`text-to-pose generate` of HamNoSys, which is signed by its rules, without a model."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pose_core import read
from text_to_pose.text.hamnosys import hamnosys_text

FLAT = "hamflathand hamextfingeru hampalml hammovei"
SYMBOLS = hamnosys_text(FLAT.split())


def test_generate_signs_notation_by_the_rules_and_says_so(cli, tmp_path):
    status, out, _ = cli("generate", FLAT, "--output", tmp_path / "a.pose")
    assert status == 0
    assert "HamNoSys, signed by its rules without a model, " in out
    assert cli("sign", FLAT, "--output", tmp_path / "b.pose")[0] == 0
    np.testing.assert_array_equal(read(tmp_path / "a.pose").keypoints, read(tmp_path / "b.pose").keypoints)
    status, out, err = cli(
        "generate", hamnosys_text(FLAT.split()), "--output", tmp_path / "c.pose", "--steps", 3, "--json"
    )
    assert (status, json.loads(out)[0]["model"]) == (0, "rules")
    assert "--steps: of no effect on notation" in err


def test_generate_takes_letters_and_notation_in_one_file(cli, tmp_path, one_line):
    path = tmp_path / "texts.txt"
    path.write_text(f"ab\n{FLAT}\nhamflathand hamparbegin\n")
    status, _, err = cli("generate", "--file", path, "--output", tmp_path / "out")
    assert (status, "need --signed-language" in one_line(err)) == (2, True)
    assert not (tmp_path / "out").exists()
    path.write_text(f"{FLAT}\nhamflathand hamparbegin\n")
    status, out, err = cli("generate", "--file", path, "--output", tmp_path / "out")
    assert (status, out.count("by its rules")) == (3, 1)
    assert f"{path}, line 2: the string ends after symbol 2 (hamparbegin): expected a movement" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hamneckk", "symbol 1, 'hamneckk' at character 1, is no name of a HamNoSys symbol; did you mean hamneck"),
        ("hamflathand \ue0fe", "symbol 2, '\\ue0fe' at character 13, is no name of a HamNoSys symbol"),
        ("\ue0fe", "'\\ue0fe' (U+E0FE) at character 1 is no HamNoSys symbol"),
        ("hamfoo hamfist", "symbol 1, 'hamfoo' at character 1, is no name of a HamNoSys symbol"),
        ("house hamfist", "'h' (U+0068) at character 1 is no HamNoSys symbol"),
    ],
)
def test_generate_spells_no_symbols_with_typos(cli, tmp_path, one_line, text, message):
    status, _, err = cli("generate", text, "--signed-language", "ase", "--output", tmp_path / "a.pose")
    assert status == 2
    assert message in one_line(err)


def test_generate_signs_notation_without_torch(tmp_path):
    program = (
        "import sys; from text_to_pose.cli import app; "
        f"app(['generate', {FLAT!r}, '--output', {str(tmp_path / 'a.pose')!r}], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert (tmp_path / "a.pose").exists()

"""Precision and threads follow the machine; what cannot work is refused before torch is imported."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from pose_core import UserError
from pose_core.pretrained import find_model
from pose_core.training import TrainingConfig, hardware
from pose_core.training.checks import check_run
from pose_core.training.hardware import available_cores, choose_precision, describe_precision, limit_threads


@pytest.fixture
def cpu(monkeypatch):
    """Pretends to be a CPU with features, as torch limits itself to a capability of it."""

    def pretend(features, capability="AVX512", **environment):
        for name in (*hardware.ONEDNN_LIMITS, *hardware.THREAD_VARIABLES):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(hardware, "cpu_features", lambda: set(features))
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)

    return pretend


@pytest.mark.parametrize(
    ("features", "capability", "environment", "precision"),
    [
        (["avx2"], "AVX2", {}, "32-true"),
        (["avx512_f"], "AVX512", {}, "32-true"),
        (["avx512_bf16"], "AVX512", {}, "bf16-mixed"),
        (["amx_bf16"], "AVX512", {}, "bf16-mixed"),
        (["amx_bf16"], "AVX2", {}, "32-true"),  # ATEN_CPU_CAPABILITY=avx2
        (["amx_bf16"], "AVX512", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "32-true"),
        (["amx_bf16"], "AVX512", {"ONEDNN_MAX_CPU_ISA": "avx512_core_bf16"}, "bf16-mixed"),
        ([], "DEFAULT", {}, "32-true"),
    ],
)
def test_precision_follows_the_cpu(cpu, features, capability, environment, precision):
    cpu(features, capability, **environment)
    assert choose_precision("auto", "cpu")[0] == choose_precision("auto", "auto")[0] == precision


def test_a_precision_that_was_set_stays_and_a_slow_one_is_said(cpu):
    cpu([], "AVX2")
    precision, why = choose_precision("bf16-mixed", "cpu")
    assert (precision, why) == ("bf16-mixed", "as set")
    assert "many times faster with precision auto" in describe_precision(precision, why, "cpu")
    assert "faster" not in describe_precision(*choose_precision("auto", "cpu"), "cpu")


def test_a_gpu_without_bf16_trains_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    for has, precision in ((True, "bf16-mixed"), (False, "32-true")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has: has)
        assert choose_precision("auto", "cuda")[0] == precision
    assert choose_precision("auto", "mps")[0] == "32-true"


def test_threads_are_the_share_of_the_cores_unless_set(cpu, monkeypatch):
    cpu([])
    before = torch.get_num_threads()
    monkeypatch.setattr(hardware, "available_cores", lambda: 4)
    try:
        for devices, asked, threads in ((1, 8, 4), (2, 8, 2), (8, 8, 1), ("auto", 3, 3)):
            torch.set_num_threads(asked)
            limit_threads(devices)
            assert torch.get_num_threads() == threads
        monkeypatch.setenv("OMP_NUM_THREADS", "6")
        torch.set_num_threads(6)
        limit_threads(2)
        assert torch.get_num_threads() == 6
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("content", "cores"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_cores_of_a_container(tmp_path, monkeypatch, content, cores):
    (tmp_path / "cpu.max").write_text(content + "\n")
    monkeypatch.setattr(hardware, "CGROUP_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert available_cores() == cores


def test_typos_are_refused_without_torch(tmp_path):
    checks = {"resume": False, "overwrite": False}
    for data, changes, message in (
        ("gone.csv", {}, "gone.csv: no such manifest"),
        ("gone", {}, "gone: no such folder"),
        (str(tmp_path), {"device": "cdua"}, "device 'cdua' is unknown; did you mean cuda?"),
        (str(tmp_path), {"strategy": "dpd"}, "strategy 'dpd' is unknown; did you mean ddp?"),
    ):
        training = TrainingConfig(**changes)
        with pytest.raises(UserError) as error:
            check_run([data], tmp_path / "run", training, **checks)
        assert message in str(error.value)
    check_run(["https://example.org/shards"], tmp_path / "run", TrainingConfig(), **checks)
    code = "import sys, pose_core.training.checks, pose_core.training.describe, pose_core.pretrained as p; "
    code += "print([m for m in ('torch', 'lightning') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "name", ["./tiny", "../tiny", "~/tiny", "a/b/c", "a\\b", "tiny", "here/tiny", "a/b.ckpt", "a/"]
)
def test_what_looks_like_a_path_is_not_asked_of_the_hub(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.setattr("pose_core.pretrained.finding._from_hub", lambda name: pytest.fail("asked the hub"))
    with pytest.raises(UserError, match="no such model folder"):
        find_model(name, {})


STARTING = """
import os, subprocess, sys, time
from pose_core.command_line import new_app, run
from pose_core.training.stopping import stop_while_starting
app = new_app("x")
@app.command()
def train() -> None:
    stop_while_starting()
    if "LOCAL_RANK" not in os.environ:
        child = subprocess.Popen([sys.executable, *sys.argv], env=os.environ | {"LOCAL_RANK": "1"})
        print(child.pid, flush=True)
    else:
        print("child", flush=True)
    time.sleep(60)
@app.command()
def other() -> None: ...
run(app, "x")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_while_starting_ends_all_processes_of_a_run(tmp_path):
    script = tmp_path / "starting.py"
    script.write_text(STARTING)
    environment = {name: value for name, value in os.environ.items() if "RANK" not in name}
    process = subprocess.Popen(
        [sys.executable, script, "train"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stderr is not None
    child = int(process.stdout.readline())
    assert process.stdout.readline() == "child\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    assert process.stderr.read() == "Error: interrupted\n"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the second process stayed")

"""Precision and number of threads, by the hardware of the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from pose_core.training.config import Precision

BF16_FEATURES = ("amx_bf16", "avx512_bf16")  # x86 instructions that multiply bf16 numbers
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
ONEDNN_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
# Values of these below which oneDNN multiplies no bf16 numbers natively.
ONEDNN_WITHOUT_BF16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")


def choose_precision(precision: str, device: str) -> tuple[Precision, str]:
    """The precision to train in, and why it was chosen.

    Args:
        precision: as in `TrainingConfig`; "auto" is bf16 autocast where the device multiplies bf16 numbers natively,
            else float32. On a CPU that has to emulate it, bf16 takes many times as long.
        device: as in `TrainingConfig`; "auto" is the accelerator if there is one, else the CPU.

    Returns:
        The precision as Lightning spells it, and a reason to print.
    """
    if precision != "auto":
        return precision, "as set"  # ty: ignore[invalid-explicit-return]
    if device == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        device = accelerator.type if accelerator is not None else "cpu"
    if device in ("cuda", "gpu") and torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16-mixed", f"{name} has bf16"
        return "32-true", f"{name} has no bf16"
    if device != "cpu":
        return "32-true", f"bf16 on {device} is not known to be faster"
    feature = native_bf16()
    if feature is not None:
        return "bf16-mixed", f"this CPU has {feature}"
    return "32-true", "this CPU has no bf16 instructions"


def describe_precision(precision: Precision, why: str, device: str) -> str:
    """The line that a run says about its precision and threads."""
    threads = torch.get_num_threads()
    line = f"training in {precision} ({why}) with {threads} CPU thread{'s' if threads > 1 else ''} in each process"
    if precision == "bf16-mixed" and device == "cpu" and native_bf16() is None:
        line += "; this CPU has no bf16 instructions and is many times faster with precision auto"
    return line


def limit_threads(devices: int | Literal["auto"]) -> None:
    """Limits torch's threads to this process's share of the cores.

    Torch counts the cores of the machine, not those that a container may use, and not the other processes of the run.
    What `OMP_NUM_THREADS` or `MKL_NUM_THREADS` says stays.

    Args:
        devices: of the run on this machine, a process each.
    """
    if not any(os.environ.get(name) for name in THREAD_VARIABLES):
        share = available_cores() // (1 if devices == "auto" else devices)
        torch.set_num_threads(max(1, min(torch.get_num_threads(), share)))


def available_cores() -> int:
    """Cores that this process may use, by its affinity and the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CGROUP_QUOTA.read_text(encoding="ascii").split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max": no quota
        return cores


def native_bf16() -> str | None:
    """The CPU feature by which bf16 matrix products are fast here; None where they would be emulated.

    Limits that the user sets for torch (`ATEN_CPU_CAPABILITY`) and oneDNN (`ONEDNN_MAX_CPU_ISA`) are respected.
    """
    limit = next((os.environ[name].upper() for name in ONEDNN_LIMITS if os.environ.get(name)), "ALL")
    if limit in ONEDNN_WITHOUT_BF16 or not torch.backends.cpu.get_cpu_capability().startswith("AVX512"):
        return None
    features = cpu_features()
    return next((feature for feature in BF16_FEATURES if feature in features), None)


def cpu_features() -> set[str]:
    """Names of the CPU's features as Linux spells them; empty where neither torch nor the system tells them."""
    if hasattr(torch.cpu, "get_capabilities"):  # torch 2.6 has no such function
        return {str(name) for name, value in torch.cpu.get_capabilities().items() if value is True}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())

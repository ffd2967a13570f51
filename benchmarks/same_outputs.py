"""Whether two installations of the packages write the same files, byte for byte, on the CPU.

python benchmarks/same_outputs.py --before OLD/.venv/bin --after .venv/bin --data ../shared/data

Runs the commands of both (`pose-tokenizer`, `text-to-pose`, `ht-vae`) with every bundled model: tokens of validation
clips and the poses decoded from them, spelled texts by each sampler, corrected poses, reconstructions, latents and
samples. Only options that both versions know are used. `--record FILE` keeps the hashes of the second one's files, and
`--before FILE` compares with them. Prints JSON; exits with 1 where a file differs. Imports nothing but Python's own
modules, so any Python runs it.
"""

import argparse
import csv
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MANIFESTS = ("fingerspelling", "dgs_sentences")  # the index.csv of each
CPU = ["--device", "cpu", "--quiet"]
HELLO = ["text-to-pose", "generate", "hello", "--signed-language", "ase", *CPU]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="bin folder of one installation, or a recorded file")
    parser.add_argument("--after", type=Path, required=True, help="bin folder of the other")
    parser.add_argument("--data", type=Path, required=True, help="folder of fingerspelling, dgs_sentences, pose_csvs")
    parser.add_argument("--clips", type=int, default=40, help="validation clips, of both manifests in their order")
    parser.add_argument("--only", default="", help="run commands whose title contains this, and no others")
    parser.add_argument("--record", type=Path, help="JSON file to write the hashes of --after to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = copy_clips(arguments.data, folder / "clips", arguments.clips)
        landmarks = copy_landmarks(arguments.data, folder / "landmarks")
        commands = {title: words for title, words in list_commands().items() if arguments.only in title}
        if not commands:
            parser.error(f"--only {arguments.only!r} is in none of {', '.join(list_commands())}")
        if arguments.before.is_file():
            recorded = json.loads(arguments.before.read_text(encoding="utf-8"))
            before = {path: digest for path, digest in recorded.items() if path.partition("/")[0] in commands}
        else:
            before = run_all(arguments.before.resolve(), commands, folder / "before")
        after = run_all(arguments.after.resolve(), commands, folder / "after")
    if arguments.record is not None:
        arguments.record.write_text(json.dumps(after, indent=1), encoding="utf-8")
    different = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    report = {
        "settings": {"clips": clips, "landmark_files": landmarks, "threads": environment()["OMP_NUM_THREADS"]},
        "commands": {title: shlex.join(words) for title, words in commands.items()},
        "files": {title: count(after, title) for title in commands},
        "hashes": {title: combined_hash(after, title) for title in commands},
        "different": different,
        "equal": not different,
    }
    print(json.dumps(report, indent=2))
    sys.exit(bool(different))


def list_commands() -> dict[str, list[str]]:
    """By title; each writes to the folder of its title, and later ones read what earlier ones wrote."""
    commands = {
        "tokens": ["pose-tokenizer", "encode", "../clips", *CPU],
        "tokens, coarse": ["pose-tokenizer", "encode", "../clips", "--bits-per-frame", "20", *CPU],
        "tokens, decoded": ["pose-tokenizer", "decode", "tokens", *CPU],
        "refinement": HELLO,
        "refinement, length drawn": [*HELLO, "--sample-length", "--schedule", "cosine", "--seed", "5"],
        "diffusion": [*HELLO, "--sampler", "diffusion", "--seed", "3"],
        "diffusion, guided": [*HELLO, "--sampler", "diffusion", "--guidance", "2.5", "--seed", "3"],
        "corrected": ["text-to-pose", "correct", "../clips", *CPU],
    }
    for model, poses in (("signing", "../clips"), ("landmarks", "../landmarks")):
        named = ["--checkpoint", model, *CPU]
        commands[f"{model}, reconstructed"] = ["ht-vae", "reconstruct", poses, *named]
        commands[f"{model}, latents"] = ["ht-vae", "encode", poses, *named]
        drawn = ["--num-samples", "3", "--length", "120", "--seed", "7", "--format", "npz"]
        commands[f"{model}, samples"] = ["ht-vae", "generate", *drawn, *named]
    return commands


def copy_clips(data: Path, folder: Path, count: int) -> int:
    """The first validation clips, each named after its manifest and path."""
    folder.mkdir()
    paths = []
    for manifest in MANIFESTS:
        with (data / manifest / "index.csv").open(encoding="utf-8", newline="") as file:
            paths += [data / manifest / row["path"] for row in csv.DictReader(file) if row["split"] == "validation"]
    for path in paths[:count]:
        shutil.copy(path, folder / path.relative_to(data).as_posix().replace("/", "-"))
    return len(paths[:count])


def copy_landmarks(data: Path, folder: Path) -> int:
    shutil.copytree(data / "pose_csvs", folder, ignore=shutil.ignore_patterns("*.md"))
    return len(list(folder.iterdir()))


def run_all(bin_folder: Path, commands: dict[str, list[str]], output: Path) -> dict[str, str]:
    """Runs the commands in `output`; returns the hash of each file written, by its path."""
    output.mkdir()
    for title, (name, *rest) in commands.items():
        target = Path(title) / "hello.pose" if rest[:2] == HELLO[1:3] else Path(title)
        (output / title).mkdir()
        command = [str(bin_folder / name), *rest, "--output", str(target)]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=output, env=environment(), capture_output=True)
        if done.returncode:
            sys.exit(f"{shlex.join(command)}\nfailed with {done.returncode}:\n{done.stderr.decode()}")
        print(f"{output.name}: {title}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    files = sorted(path for path in output.rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def environment() -> dict[str, str]:
    """Sums depend on the number of threads: one by default."""
    return {"OMP_NUM_THREADS": "1", **os.environ}


def count(files: dict[str, str], title: str) -> int:
    return sum(path.startswith(f"{title}/") for path in files)


def combined_hash(files: dict[str, str], title: str) -> str:
    """One hash of all files of a title, their names included."""
    lines = [f"{digest} {path}" for path, digest in sorted(files.items()) if path.startswith(f"{title}/")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()

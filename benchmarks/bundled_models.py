"""Trains the bundled models again, by the commands of their cards.

uv run python benchmarks/bundled_models.py --output runs [--models ht-vae/landmarks] [--data FOLDER] [--list]

The first code block below a card's "Training" is run in a folder of the model's own, `runs/PACKAGE/MODEL`, that has the
data and this repository's benchmarks beside it. The folder that was there is kept, and its model left out. Prints JSON:
each model's commands, hours and exit status. A card says how long its training takes: from minutes to half a day.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CARDS = "packages/*/src/*/models/*/README.md"
BLOCK = re.compile(r"^## Training\n+```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="the data folders")
    parser.add_argument("--models", nargs="*", default=[], metavar="PACKAGE/MODEL", help="these alone")
    parser.add_argument("--list", action="store_true", help="say what would be run, and run nothing")
    arguments = parser.parse_args()
    found = commands()
    if unknown := sorted({*arguments.models} - {*found}):
        parser.error(f"no bundled model {', '.join(unknown)}; there are {', '.join(found)}")
    chosen = {name: found[name] for name in arguments.models or found}
    if arguments.list:
        print(json.dumps(chosen, indent=2))
        return
    if not arguments.data.is_dir():
        parser.error(f"no data in {arguments.data}: see --data")
    results = {}
    for name, script in chosen.items():
        results[name] = {"commands": script} | trained(script, arguments.output / name, arguments.data)
    print(json.dumps(results, indent=2))
    sys.exit(any(each.get("exit status") for each in results.values()))


def commands() -> dict[str, str]:
    """The commands of each card, by package/model."""
    found = {}
    for card in sorted(ROOT.glob(CARDS)):
        block = BLOCK.search(card.read_text(encoding="utf-8"))
        if block is None:
            sys.exit(f"{card.relative_to(ROOT)}: no commands below Training")
        found[f"{card.relative_to(ROOT).parts[1]}/{card.parent.name}"] = block[1]
    return found


def trained(script: str, folder: Path, data: Path) -> dict[str, float | int | str]:
    """Runs a card's commands; hours and exit status."""
    if folder.exists():
        return {"left out": f"{folder} is there already"}
    folder.mkdir(parents=True)
    for source in [*data.iterdir(), ROOT / "benchmarks"]:
        (folder / source.name).symlink_to(source.resolve())
    start = time.monotonic()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # To the end, as `synthesize` reports the few signs that it cannot make by its status; and all that they print to
    # standard error, as JSON is on standard output.
    status = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=os.environ | {"PATH": path}, stdout=sys.stderr, check=False
    ).returncode
    return {"hours": round((time.monotonic() - start) / 3600, 2), "exit status": status}


if __name__ == "__main__":
    main()

"""The pictures of signs in text-to-pose's README: each string in symbols, and signed by the rules.

uv run python benchmarks/signer_figures.py [--output packages/text-to-pose/docs]

Prints the frames of each sign.
"""

import argparse
from pathlib import Path

from hamnosys_picture import picture
from signer_notation import WORDS

from pose_core.rendering import write_gif
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign

DOCS = Path(__file__).resolve().parents[1] / "packages/text-to-pose/docs"
SHOWN = ("thank you", "please", "help")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=DOCS)
    arguments = parser.parse_args()
    for word in SHOWN:
        text = " ".join(f"ham{name}" for name in WORDS[word].split())
        stem = f"sign-{word.replace(' ', '-')}"
        picture(text, columns=8).save(arguments.output / f"{stem}.png", optimize=True)
        signed = sign([parse(text)], layout="holistic_178")
        write_gif(signed.sequence, arguments.output / f"{stem}.gif", hands=False, overwrite=True)
        print(f"{word}: {len(signed.sequence)} frames, stroke {signed.spans[0]}: {text}")


if __name__ == "__main__":
    main()

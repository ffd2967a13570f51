"""The options of `pose-core cut`; see `command_line.group_options`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pose_core.command_line import check_number

if TYPE_CHECKING:
    from pose_core.commands.cutting import CutOptions


@dataclass(frozen=True)
class CuttingOptions:
    """What is cut, and what the manifest says of it."""

    segments: Annotated[
        list[str],
        typer.Option(
            "--segments",
            help="ELAN's .eaf, .srt, .vtt, or a table of start, end and text; or a folder, matched by name.",
        ),
    ]
    tier: Annotated[
        list[str] | None,
        typer.Option(
            "--tier", help="Tier; several times for several. TIER=1: of person 1; TIER=A: of the pose file *_A."
        ),
    ] = None
    signed_language: Annotated[
        str, typer.Option("--signed-language", help="ISO 639-3, for the manifest; und: undetermined.")
    ] = "und"
    split: Annotated[str, typer.Option("--split", help="Split of all clips, for the manifest.")] = "train"
    padding: Annotated[
        float,
        typer.Option("--padding", min=0.0, max=60.0, callback=check_number, help="Seconds more before and behind."),
    ] = 0.0
    offset: Annotated[
        float | None,
        typer.Option(
            "--offset",
            min=-1e6,
            max=1e6,
            callback=check_number,
            help="Seconds to add to the annotation's times; default: as ELAN says, else 0.",
        ),
    ] = None
    min_seconds: Annotated[
        float,
        typer.Option("--min-seconds", min=0.0, callback=check_number, help="Leave shorter segments out."),
    ] = 0.0
    manifest_only: Annotated[
        bool,
        typer.Option("--manifest-only", help="Write no clips, but a manifest of parts of the pose files."),
    ] = False

    def cutting(self, format: str | None) -> "CutOptions":
        """The same for `cut_files`; `format` is the suffix of clips."""
        from pose_core.commands.cutting import CutOptions

        return CutOptions(
            self.tier or (),
            self.signed_language,
            self.split,
            self.offset,
            self.padding,
            self.min_seconds,
            format or "pose",
            self.manifest_only,
        )

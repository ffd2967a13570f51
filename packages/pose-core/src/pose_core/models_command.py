"""The `models` command: which models there are, what a card says, and to the hub with one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pose_core.command_line import Debug, Json, print_json, say

if TYPE_CHECKING:
    from pose_core.command_line import App

PushToHub = Annotated[
    str | None,
    typer.Option("--push-to-hub", help="Upload the model with its card to the Hugging Face Hub, as user/model."),
]
License = Annotated[
    str | None, typer.Option("--license", help="Licence of the model, for its card: mit, cc-by-4.0, ...")
]


def add_models_command(app: App, package: str | Path) -> None:
    """Adds the `models` command of the package that holds the file `package`."""
    library = Path(package).parent.name.replace("_", "-")

    @app.command()
    def models(
        model: Annotated[
            str | None, typer.Argument(help="Show the card of this one: model folder, bundled name or hub id.")
        ] = None,
        push_to_hub: PushToHub = None,
        license: License = None,
        private: Annotated[
            bool, typer.Option("--private", help="With --push-to-hub: make the repository a private one.")
        ] = False,
        json: Json = False,
        debug: Debug = False,
    ) -> None:
        """List the models for --checkpoint, bundled or downloaded from the hub; show the card of one, or upload it."""
        from pose_core.bundled import bundled_models, model_lines

        if push_to_hub is None and (license is not None or private):
            raise typer.BadParameter("--license and --private are of what is uploaded: give --push-to-hub, too")
        bundled = bundled_models(package)
        if model is None:
            if push_to_hub is not None:
                raise typer.BadParameter("--push-to-hub: say which model is uploaded")
            from pose_core.pretrained.hub import cached_models

            cached = cached_models(library)
            if json:
                print_json([asdict(each) | {"bundled": each in bundled} for each in [*bundled, *cached]])
                return
            if not bundled + cached:
                say("no model is bundled, or was downloaded from the hub")
                return
            print(*model_lines([*bundled, *cached]), sep="\n")
            return
        from pose_core.pretrained import find_model
        from pose_core.pretrained.hub import CARD, check_hub_id
        from pose_core.pretrained.hub import push_to_hub as push

        if push_to_hub is not None:
            check_hub_id(push_to_hub)
        folder = find_model(model, {each.name: each.folder for each in bundled})
        if push_to_hub is not None:
            address = push(folder, push_to_hub, library=library, license=license, private=private)
            if json:
                print_json({"folder": folder, "model": push_to_hub, "address": address})
                return
            print(f"{folder}: uploaded as {push_to_hub}, see {address}")
            return
        card = folder / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
        if json:
            print_json({"model": model, "folder": folder, "card": text})
            return
        print(text.rstrip() or f"{folder}: has no card")

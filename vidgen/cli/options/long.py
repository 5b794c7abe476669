"""Options of `vidgen render` about a clip over time: segments, takes, loops, pictures on the way, and extensions."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from vidgen.errors import SpecError
from vidgen.spec import ExtendVideo, Keyframe, LongFields, MediaRef, segment_of, take_of
from vidgen.spec.long import LongMode

Command = TypeVar("Command", bound=Callable[..., Any])

KEYFRAME = re.compile(r"(?P<place>-?\d+|\d+(?:\.\d+)?s)\s+(?P<file>\S.*)")
CLIP = MediaRef(upload_id="upl_extended")

OPTIONS = (
    click.option(
        "--segment", "segments", multiple=True, help="Part of a clip: '3s PROMPT', '24 …', 'cut 3s …', 'fade 1s 3s …'."
    ),
    click.option("--overlap", type=int, help="Of a long clip: frames carried from chunk to chunk."),
    click.option(
        "--long-mode",
        type=click.Choice(get_args(LongMode)),
        help="Of a long clip: window after window, or all windows together, step by step.",
    ),
    click.option("--loop", is_flag=True, help="The last frame is followed by the first."),
    click.option("--keyframe", "keyframes", multiple=True, help="'FRAME FILE' or '2s FILE': the clip shows it there."),
    click.option(
        "--chunks", type=click.Path(file_okay=False, path_type=Path), help="Keep a clip's chunks here, and use them."
    ),
    click.option(
        "--retake", "retakes", multiple=True, help="'CHUNK SEED [PROMPT]': make one chunk again, keep the rest."
    ),
    click.option(
        "--branch", "branches", multiple=True, help="'CHUNK SEED [PROMPT]': make this chunk and all later ones again."
    ),
    click.option("--extend", type=click.Path(exists=True, path_type=Path), help="Make this clip longer."),
    click.option("--backward", is_flag=True, help="With --extend: make what came before it."),
    click.option("--from-frame", type=int, help="With --extend: the clip's frame next to the new part."),
    click.option("--from-seconds", type=float, help="With --extend, in place of --from-frame."),
    click.option(
        "--from-chunks",
        "lender",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="The --chunks of an earlier clip: use what fits; with --extend, go on from its latents.",
    ),
)


def long_options(command: Command) -> Command:
    """Add all of them to a command, in this order."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def take_long(fields: dict[str, Any]) -> dict[str, Path]:
    """Put what was asked for into its places in the spec's fields; returns where pictures on the way lie.

    Raises SpecError for what is not written as it should be.
    """
    retakes, branches = fields.pop("retakes"), fields.pop("branches")
    takes = [take_of(text, branch=False) for text in retakes] + [take_of(text, branch=True) for text in branches]
    fields["segments"] = tuple(segment_of(text) for text in fields["segments"])
    overlap, loop, mode = fields.pop("overlap"), fields.pop("loop"), fields.pop("long_mode")
    if takes or overlap is not None or loop or mode:
        fields["long"] = LongFields(overlap=overlap, loop=loop, mode=mode, takes=tuple(takes))
    keys = [_keyframe(number, text) for number, text in enumerate(fields["keyframes"])]
    fields["keyframes"] = tuple(key for key, _ in keys)
    return {key.image.key: file for key, file in keys}


def take_extension(fields: dict[str, Any]) -> tuple[type[ExtendVideo] | None, dict[str, Path]]:
    """The same for an extension: the kind of spec where one is asked for, and where its clip lies."""
    clip, backward = fields.pop("extend"), fields.pop("backward")
    moment = {name: value for name in ("from_frame", "from_seconds") if (value := fields.pop(name)) is not None}
    if clip is None:
        if backward or moment:
            raise click.UsageError("--backward, --from-frame and --from-seconds belong to --extend")
        return None, {}
    fields |= {"video": CLIP, "direction": "backward" if backward else "forward", **moment}
    return ExtendVideo, {CLIP.key: clip}


def _keyframe(number: int, text: str) -> tuple[Keyframe, Path]:
    found = KEYFRAME.fullmatch(text.strip())
    if found is None or not Path(found["file"]).is_file():
        raise SpecError(f"keyframe={text}: write `FRAME FILE` or `2s FILE`, FILE being a picture", field="keyframes")
    ref, place = MediaRef(upload_id=f"upl_key{number}"), found["place"]
    moment = {"seconds": float(place[:-1])} if place.endswith("s") else {"frame": int(place)}
    return Keyframe(image=ref, **moment), Path(found["file"])

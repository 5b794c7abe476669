"""Options of `vidgen render` about structure and motion: masks, controls, references, camera, paths, ends."""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from vidgen.errors import SpecError
from vidgen.spec import AXES, Box, Brush, ClipEnd, Control, Mask, MediaRef, Outpaint, Reference
from vidgen.spec.conditioning.camera import CameraPreset
from vidgen.spec.conditioning.path import Trajectory, Waypoint

Command = TypeVar("Command", bound=Callable[..., Any])

POINT = re.compile(r"(?P<x>-?\d*\.?\d+),(?P<y>-?\d*\.?\d+)(?:@(?P<at>\d*\.?\d+))?")
SIDES = ("left", "top", "right", "bottom")

OPTIONS = (
    click.option(
        "--control",
        "controls",
        multiple=True,
        help="'KIND FILE [weight=0.8] [start=0] [end=0.6] [smoothing=0.5] [drawn]': a clip to follow; "
        "several are followed at once.",
    ),
    click.option("--motion-from", type=click.Path(exists=True, path_type=Path), help="Move as this clip does."),
    click.option(
        "--camera", multiple=True, help="A preset as pan-left, speeds as 'pan=4 zoom=-2', or 'at=0 pan=0; at=1 pan=5'."
    ),
    click.option(
        "--trajectory", "trajectories", multiple=True, help="'0.2,0.5 0.8,0.5@1 box=0.4x0.4': where a subject goes."
    ),
    click.option("--brush", "brushes", multiple=True, help="'PAINTED.png 0.2,0.5 0.8,0.5': a painted region moves."),
    click.option("--motion-strength", type=float, help="0 to 2: how much moves; 1 as it is asked for."),
    click.option(
        "--mask", type=click.Path(exists=True, path_type=Path), help="With --video: white is made anew (or a clip)."
    ),
    click.option("--mask-box", help="With --video, in place of --mask: LEFT,TOP,RIGHT,BOTTOM in shares of the frame."),
    click.option("--invert-mask", is_flag=True, help="Black is made anew."),
    click.option("--outpaint", help="With --video: LEFT,TOP,RIGHT,BOTTOM, room around it in shares of its sides."),
    click.option(
        "--reference", "references", multiple=True, type=click.Path(exists=True, path_type=Path),
        help="A picture whose subject the clip takes over.",
    ),
    click.option("--prefix", help="'FRAMES CLIP' or CLIP: begin with that clip's last frames."),
    click.option("--suffix", help="'FRAMES CLIP' or CLIP: end with that clip's first frames."),
)  # fmt: skip


def condition_options(command: Command) -> Command:
    """Add all of them to a command, in this order."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def take_conditions(fields: dict[str, Any]) -> dict[str, Path]:
    """Put what was asked for into the spec's fields; returns where its media lie.

    Raises SpecError for what is not written as it should be.
    """
    media: dict[str, Path] = {}
    controls = [_control(text, media) for text in fields["controls"]]
    if (clip := fields.pop("motion_from")) is not None:
        controls.append(Control(kind="flow", video=_ref("motion", clip, media)))
    fields["controls"] = tuple(controls)
    fields["camera"] = camera_of(fields["camera"]) if fields["camera"] else None
    fields["trajectories"] = tuple(_trajectory(text) for text in fields["trajectories"])
    fields["brushes"] = tuple(_brush(text, media) for text in fields["brushes"])
    fields["references"] = tuple(
        Reference(image=_ref(f"reference{n}", file, media)) for n, file in enumerate(fields["references"])
    )
    fields["mask"] = _mask(fields, media)
    if fields["outpaint"] is not None:
        fields["outpaint"] = Outpaint(**_sides("outpaint", fields["outpaint"]))
    for name in ("prefix", "suffix"):
        fields[name] = None if fields[name] is None else _end(name, fields[name], media)
    return media


def camera_of(texts: Sequence[str]) -> dict[str, Any]:
    """The fields of a camera: a preset, keys, or speeds, which several texts may share.

    Raises SpecError on anything else, and for what is said twice. Bounds are for the spec to check.
    """
    asked = [_camera(text) for text in texts]
    told: dict[str, Any] = {}
    for one in asked:
        for name, value in one.items():
            if name in told or (len(asked) > 1 and name in ("preset", "keys")):
                raise _twice(name)
            told[name] = value
    return told


def _camera(text: str) -> dict[str, Any]:
    if text.strip() in get_args(CameraPreset):
        return {"preset": text.strip()}
    parts = [_numbers(part) for part in text.split(";") if part.strip()]
    return parts[0] if len(parts) == 1 and "at" not in parts[0] else {"keys": parts}


def _twice(name: str) -> SpecError:
    rule = "says all of the camera; give it alone" if name in ("preset", "keys") else "is given twice; give it once"
    return SpecError(f"camera.{name}: {rule}", field=f"camera.{name}")


def _numbers(text: str) -> dict[str, float]:
    pairs = [word.partition("=") for word in text.split()]
    names = [name for name, _, _ in pairs]
    if again := next((name for name in names if names.count(name) > 1), None):
        raise _twice(again)
    try:
        found = {name: float(value) for name, _, value in pairs}
    except ValueError:
        found = {}
    if not found or not found.keys() <= {*AXES, "at"}:
        presets = get_args(CameraPreset)
        rule = f"write {', '.join(AXES)} as pan=4, or one of {', '.join(presets)}"
        near = tuple(get_close_matches(text.strip().lower(), presets, 1))
        nearest = f"; nearest is {near[0]}" if near else ""
        raise SpecError(f"camera={text.strip()}: {rule}{nearest}", field="camera", nearest=near)
    return found


def _control(text: str, media: dict[str, Path]) -> Control:
    kind, file, more = _words("controls", text, "KIND FILE [weight=0.8] [drawn]")
    given: dict[str, Any] = {"drawn": "drawn" in more}
    given |= {name: value for name, sign, value in (word.partition("=") for word in more) if sign}
    ref = _ref(f"control{len(media)}", file, media)
    return Control.model_validate({"kind": kind, "video": ref, **given})


def _words(field: str, text: str, form: str) -> tuple[str, Path, list[str]]:
    """First word, an existing file, further words."""
    words = text.split()
    if len(words) < 2 or not Path(words[1]).is_file():
        raise SpecError(f"{field}={text}: write `{form}`, with a file that is there", field=field)
    return words[0], Path(words[1]), words[2:]


def _points(field: str, words: list[str]) -> tuple[Waypoint, ...]:
    found = [POINT.fullmatch(word) for word in words]
    if len(found) < 2 or not all(found):
        raise SpecError(f"{field}={' '.join(words)}: write two points or more, as 0.2,0.5 0.8,0.5@1", field=field)
    return tuple(Waypoint.model_validate(point.groupdict()) for point in found if point is not None)


def _trajectory(text: str) -> Trajectory:
    words = [word for word in text.split() if not word.startswith("box=")]
    size: Mapping[str, str] = {}
    if boxes := [word.removeprefix("box=") for word in text.split() if word.startswith("box=")]:
        width, _, height = boxes[0].partition("x")
        size = {"width": width, "height": height or width}
    return Trajectory.model_validate({"points": _points("trajectories", words), **size})


def _brush(text: str, media: dict[str, Path]) -> Brush:
    file, *words = text.split() or [""]
    if not Path(file).is_file():
        raise SpecError(f"brushes={text}: write `PAINTED.png 0.2,0.5 0.8,0.5`", field="brushes")
    return Brush(media=_ref(f"brush{len(media)}", Path(file), media), points=_points("brushes", words))


def _mask(fields: dict[str, Any], media: dict[str, Path]) -> Mask | None:
    file, box, invert = fields.pop("mask"), fields.pop("mask_box"), fields.pop("invert_mask")
    if file is None and box is None:
        if invert:
            raise click.UsageError("--invert-mask belongs to --mask or --mask-box")
        return None
    ref = None if file is None else _ref("mask", file, media)
    return Mask(media=ref, box=None if box is None else Box(**_sides("mask.box", box)), invert=invert)


def _sides(field: str, text: str) -> dict[str, float]:
    try:
        return dict(zip(SIDES, map(float, text.split(",")), strict=True))
    except ValueError as error:
        raise SpecError(f"{field}={text}: write LEFT,TOP,RIGHT,BOTTOM, as in 0.2,0.2,0.8,0.8", field=field) from error


def _end(name: str, text: str, media: dict[str, Path]) -> ClipEnd:
    count, _, file = text.partition(" ") if text.split()[0].isdecimal() else ("", "", text)
    if not Path(file).is_file():
        raise SpecError(f"{name}={text}: write `FRAMES CLIP` or a clip that is there", field=name)
    return ClipEnd(video=_ref(name, Path(file), media), frames=int(count) if count else None)


def _ref(name: str, file: Path, media: dict[str, Path]) -> MediaRef:
    ref = MediaRef(upload_id=f"upl_{name}")
    media[ref.key] = file
    return ref

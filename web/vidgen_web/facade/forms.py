"""The forms of this API, for its description: plain fields, `outer[inner]` for nested ones, one file."""

from typing import Any

FILE: dict[str, Any] = {"type": "string", "format": "binary"}
TEXT: dict[str, Any] = {"type": "string"}


def _form(required: tuple[str, ...], **fields: dict[str, Any]) -> dict[str, Any]:
    own = dict.fromkeys(("negative_prompt", "seed", "num_inference_steps", "guidance_scale", "callback_url"), TEXT)
    properties = {"prompt": {"type": "string", "minLength": 1}, **fields, **own}
    return {
        "type": "object",
        "properties": properties,
        "required": ["prompt", *required],
        "additionalProperties": False,
    }


_VIDEO = {"video": {**FILE, "description": "A clip."}, "video[id]": {**TEXT, "description": "Or a completed video."}}

CREATE = _form(
    (),
    model=TEXT,
    seconds=TEXT,
    size=TEXT,
    fps=TEXT,
    input_reference={**FILE, "description": "A picture to start from."},
    **{"input_reference[image_url]": TEXT, "input_reference[file_id]": TEXT},
)
REMIX = _form((), strength=TEXT)
EDIT = _form((), strength=TEXT, **_VIDEO)
EXTEND = _form(("seconds",), seconds=TEXT, **_VIDEO)

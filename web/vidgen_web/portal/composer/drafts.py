"""What stands in the composer: texts, as controls hold them, and what lies in its slots.

`filled` makes drafts of a job's settings, a link or a form; `asked` is what a draft asks of the service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vidgen.jobs.views import Job
from vidgen_models.registry import Manifest
from vidgen_web.portal.composer import advanced, conditioning, finishing, keyframes, story
from vidgen_web.portal.composer.keyframes import Key
from vidgen_web.portal.composer.slots import EMPTY, Slot
from vidgen_web.portal.composer.story import Part

# tabs of the composer that are no tasks of their own: text-to-video jobs with prompts, or pictures, over time
STORYBOARD, KEYFRAMES = "storyboard", "keyframes"
EXTEND, PROCESS = "extend-video", "process-video"
TAB_BY_MODE = {
    "text": "text-to-video",
    "image": "image-to-video",
    "video": "video-to-video",
    "keyframes": KEYFRAMES,
    "story": STORYBOARD,
    "extend": EXTEND,
    "finish": PROCESS,
}
TABS = tuple(TAB_BY_MODE.values())
TASKS = {STORYBOARD: "text-to-video", KEYFRAMES: "text-to-video"}
SLOTS = ("image", "last_image", "video")
SLOTS_BY_TAB = {
    "image-to-video": ("image", "last_image"),
    "video-to-video": ("video",),
    EXTEND: ("video",),
    PROCESS: ("video",),
}
VALUES = (
    "prompt",
    "negative_prompt",
    "num_frames",
    "seconds",
    "width",
    "height",
    "fps",
    "seed",
    "num_inference_steps",
    "guidance_scale",
    "strength",
    "direction",
    "number",
)
# how many clips a form asks for and where they are filed: no part of a clip's settings
ASIDE = ("count", "project")
# what one tab alone asks for
ONLY = {"strength": "video-to-video", "direction": EXTEND, "number": EXTEND}
LENGTHS = frozenset({"num_frames", "seconds"})
FINISHING = frozenset(finishing.names())
# parts of the composer that are fetched when they are asked for, by what stands in them
SECTIONS = {
    "finish": ("post", "output"),
    "advanced": ("advanced", "lora", "long"),
    "motion": tuple(conditioning.HEADS),
    "grid": ("vary",),
    "presets": ("preset",),
    "words": (),
}
VARIED = re.compile(r"vary\.[01]\.(?:field|values)")


@dataclass(frozen=True, slots=True)
class Draft:
    """Every control's text. Empty numbers mean: the model's default. `editing` is the queued job that is changed.

    `changes` are what was done to the prompt when it was enriched.
    """

    tab: str
    model: str
    values: Mapping[str, str]
    slots: Mapping[str, Slot] = field(default_factory=lambda: dict.fromkeys(SLOTS, EMPTY))
    parts: tuple[Part, ...] = ()
    keys: tuple[Key, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    editing: Job | None = None
    opened: frozenset[str] = frozenset()
    changes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def rows(self) -> tuple[Part, ...]:
        """The storyboard as it is shown: what there is, or some empty rows to begin with."""
        return self.parts or (Part(),) * story.OFFERED

    @property
    def key_rows(self) -> tuple[Key, ...]:
        return self.keys or (Key(),) * keyframes.OFFERED

    @property
    def sections(self) -> frozenset[str]:
        """The parts that are shown: opened ones, and those in which something was chosen or is wrong."""
        heads = {name.partition(".")[0] for name, value in self.values.items() if value and name != "long.loop"}
        heads |= {name.partition(".")[0] for name, slot in self.slots.items() if slot.is_filled and "." in name}
        heads |= {name.partition(".")[0] for name in self.errors if name not in ("long", "long.loop")}
        told = {section for section, names in SECTIONS.items() if {*names} & heads}
        return self.opened | told | ({"finish"} if self.tab == PROCESS else set())


def blank(manifest: Manifest) -> Draft:
    """The model's defaults."""
    rules = manifest.rules
    values = {
        "num_frames": rules.frames.default,
        "num_inference_steps": rules.steps.default,
        "guidance_scale": rules.guidance.default,
        "strength": rules.strength,
        "fps": rules.fps,
        "width": rules.sides.default_width,
        "height": rules.sides.default_height,
    }
    first = next((tab for tab in TABS if tab in rules.tasks), TABS[0])
    return Draft(first, manifest.id, {name: f"{value:g}" for name, value in values.items()})


def recalled(draft: Draft, earlier: Draft, what: str) -> Draft:
    """`draft` with what is asked of an earlier clip's settings: `but-seed`, `seed`, `prompt`, or all of them."""
    if what in ("seed", "prompt"):
        return replace(draft, values={**draft.values, what: earlier[what]})
    return replace(earlier, values={**earlier.values, "seed": ""}) if what == "but-seed" else earlier


def editing(draft: Draft, job: Job | None) -> Draft:
    """The same draft as a change of this queued job."""
    return replace(draft, editing=job)


def settings_of(draft: Draft) -> dict[str, str]:
    """What a preset keeps of the draft: every filled control but words, seed and what goes with one picture."""
    left_out = {"prompt", "negative_prompt", "seed", "number"}
    own = {name: text for name, text in draft.values.items() if text and name not in left_out}
    return {name: text for name, text in own.items() if _is_kept(name)}


def _is_kept(name: str) -> bool:
    """Of conditioning, the camera: paths, masks and controls go with a picture or clip."""
    leads = name.partition(".")[0] in ("camera", "motion_strength")
    return leads or name in VALUES or name in FINISHING or advanced.is_ours(name)


def with_settings(draft: Draft, settings: Mapping[str, str]) -> Draft:
    """The draft with a preset's settings in place of its own."""
    own = settings_of(draft)
    kept = {name: text for name, text in draft.values.items() if name not in own}
    return replace(draft, values={**kept, **{name: text for name, text in settings.items() if is_value(name)}})


def is_value(name: str) -> bool:
    """Whether a form's field is a text that a draft holds."""
    return (
        name in VALUES
        or name in ASIDE
        or name in FINISHING
        or advanced.is_ours(name)
        or conditioning.is_ours(name)
        or bool(VARIED.fullmatch(name))
    )

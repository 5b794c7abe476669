"""Turns a requested training into a resolved one, against the model that is to learn."""

from collections.abc import Collection

from vidgen.errors import SpecError
from vidgen.spec.resolve import checked_frames, drawn_seed
from vidgen.spec.rules import ModelRules
from vidgen.spec.train_lora import LONGEST_NAME, TrainLora

TRAINED_FAMILY = "wan_vace"


def resolve_training(
    spec: TrainLora, rules: ModelRules, family: str, *, prefix: str = "", taken: Collection[str] = ()
) -> TrainLora:
    """The spec with every field filled. `prefix` begins the names of a tenant's LoRAs, `taken` are the names there are.

    Raises SpecError naming what this model cannot learn from, or not at all.
    """
    if family != TRAINED_FAMILY or "loras" not in rules.options:
        raise SpecError(
            f"model={spec.model}: LoRAs are trained on {TRAINED_FAMILY} with whole weights only, not on this {family}",
            field="model",
            code="unsupported_task",
        )
    name = spec.name if spec.name.startswith(prefix) else prefix + spec.name
    if len(name) > LONGEST_NAME:
        raise SpecError(f"name={name}: at most {LONGEST_NAME} characters, {prefix!r} included", field="name")
    if name in taken:
        raise SpecError(f"name={name}: there is such a LoRA already; choose another name", field="name")
    for number, clip in enumerate(spec.clips):
        if clip.video.frame is not None:
            raise SpecError(f"clips.{number}.video.frame: clips are learned whole; leave it out", field="clips")
        if not (clip.prompt or spec.prompt).strip():
            raise SpecError(f"clips.{number}.prompt: no caption; give one here, or `prompt` for all", field="clips")
    frames = checked_frames(spec.num_frames or rules.frames.default, rules.frames)
    return spec.model_copy(
        update={"name": name, "num_frames": frames, "seed": drawn_seed() if spec.seed in (None, -1) else spec.seed}
    )

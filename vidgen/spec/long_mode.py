"""Which way a long clip is made, and what goes with each way."""

from vidgen.errors import SpecError
from vidgen.spec.job import ExtendVideo, ImageToVideo, SamplingFields, VideoToVideo
from vidgen.spec.long import LongFields, LongMode
from vidgen.spec.rules import LongRule


def resolved_mode(spec: SamplingFields, asked: LongFields, rule: LongRule) -> LongMode:
    """The way asked for, or the model's own. Raises SpecError when the model or the clip does not go with it."""
    mode = asked.mode or rule.modes[0]
    if mode not in rule.modes:
        raise SpecError(
            f"long.mode={mode}: {spec.model} offers {', '.join(rule.modes)}; nearest is {rule.modes[0]}",
            field="long.mode",
        )
    if mode == "co_denoise":
        _check_together(spec, asked)
    if mode == "native":
        _check_native(spec, asked, rule)
    return mode


def resolved_rerolls(asked: LongFields, mode: LongMode, rule: LongRule) -> int:
    """How many other seeds a chunk may try. Windows that are made together have none of their own: SpecError."""
    if mode == "co_denoise":
        if asked.rerolls:
            raise SpecError(
                f"long.rerolls={asked.rerolls}: windows that are denoised together have no seeds of their own; "
                "nearest is 0",
                field="long.rerolls",
                nearest=(0,),
            )
        return 0
    return rule.rerolls if asked.rerolls is None else asked.rerolls


def _check_together(spec: SamplingFields, asked: LongFields) -> None:
    if isinstance(spec, ExtendVideo) or asked.loop:
        what = "a loop ends on" if asked.loop else "an extension goes on from"
        raise SpecError(
            f"long.mode=co_denoise: {what} windows that are made before; nearest is chain",
            field="long.mode",
        )
    for number, take in enumerate(asked.takes):
        if take.then == "remake":
            field = f"long.takes.{number}.then"
            raise SpecError(
                f"{field}=remake: windows that are denoised together do not follow each other; nearest is keep",
                field=field,
            )


def _check_native(spec: SamplingFields, asked: LongFields, rule: LongRule) -> None:
    """A family's own way goes in one direction, from one prompt to the next, and is led by what its rule says."""
    last = spec.last_image if isinstance(spec, ImageToVideo) else None
    led = {"video": isinstance(spec, VideoToVideo), "last_image": last is not None, "keyframes": spec.keyframes}
    for field, given in {**led, "controls": spec.controls, "references": spec.references}.items():
        if given and field not in rule.led_by:
            raise SpecError(f"{field}: {spec.model} takes it in clips of one window only", field=field)
    if asked.loop:
        raise SpecError(f"long.loop: {spec.model} goes in one direction only; leave it out", field="long.loop")
    for number, segment in enumerate(spec.segments):
        if segment.cut and number > 0 and rule.from_the_end:
            field = f"segments.{number}.cut"
            raise SpecError(
                f"{field}: {spec.model} makes one shot, which begins with its picture; leave it out", field=field
            )
        if segment.transition_frames or segment.transition_seconds:
            field = f"segments.{number}.transition_frames"
            raise SpecError(f"{field}: {spec.model} changes prompts at once; leave it out", field=field)
    for number, take in enumerate(asked.takes):
        if take.then == "keep":
            field = f"long.takes.{number}.then"
            raise SpecError(
                f"{field}=keep: {spec.model} cannot lead up to a chunk that is there; nearest is remake", field=field
            )

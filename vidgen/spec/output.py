"""How the finished clip is delivered: format, codec, quality, sound; and what each format can carry, as a table."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.spec.base import SpecModel

Format = Literal["mp4", "webm", "gif", "webp", "prores", "png"]
Codec = Literal["h264", "hevc", "av1", "vp9", "prores-422", "prores-4444", "gif", "webp", "png"]
Quality = Literal["draft", "standard", "high", "lossless"]
QUALITIES: tuple[Quality, ...] = ("draft", "standard", "high", "lossless")


class Output(SpecModel):
    """The delivered file. Empty fields follow from the format and from what the frames hold."""

    format: Format = Field(default="mp4", description="png is a zip of numbered PNG pictures.")
    codec: Codec | None = Field(
        default=None, description="mp4: h264, hevc or av1. prores: prores-422 or prores-4444. The others have one each."
    )
    quality: Quality = Field(default="high", description="lossless keeps every pixel, in formats that can.")
    audio: Literal["keep", "drop"] = Field(
        default="keep", description="The source clip's sound, where there is one and the format carries it."
    )


@dataclass(frozen=True, slots=True)
class FormatRule:
    """What a format can carry. The first of `codecs` is the default; `alpha` and `lossless` name those that can."""

    suffix: str
    content_type: str
    codecs: tuple[Codec, ...]
    alpha: tuple[Codec, ...] = ()
    lossless: tuple[Codec, ...] = ()
    # FFmpeg's encoder of the sound that goes with it
    sound: str | None = None
    # a GIF counts time in hundredths of a second, and viewers slow down what is shorter than two
    max_fps: int | None = None


FORMATS: dict[Format, FormatRule] = {
    "mp4": FormatRule(".mp4", "video/mp4", ("h264", "hevc", "av1"), lossless=("h264", "hevc"), sound="aac"),
    "webm": FormatRule(".webm", "video/webm", ("vp9",), alpha=("vp9",), lossless=("vp9",), sound="libopus"),
    "gif": FormatRule(".gif", "image/gif", ("gif",), alpha=("gif",), max_fps=50),
    "webp": FormatRule(".webp", "image/webp", ("webp",), alpha=("webp",), lossless=("webp",)),
    "prores": FormatRule(".mov", "video/quicktime", ("prores-422", "prores-4444"), alpha=("prores-4444",), sound="aac"),
    "png": FormatRule(".zip", "application/zip", ("png",), alpha=("png",), lossless=("png",)),
}


def resolved_output(output: Output, *, fps: Fraction | float, alpha: bool = False) -> Output:
    """The output with its codec filled in; `alpha` says that the frames are transparent in places.

    Raises SpecError naming the field, the rule and the nearest thing that works.
    """
    rule = FORMATS[output.format]
    codec = output.codec or (rule.alpha or rule.codecs if alpha else rule.codecs)[0]
    if codec not in rule.codecs:
        raise _refusal("codec", codec, f"{output.format} has {', '.join(rule.codecs)}", rule.codecs[0])
    if alpha and codec not in rule.alpha:
        raise _no_alpha(output.format, codec, rule)
    if output.quality == "lossless" and codec not in rule.lossless:
        raise _refusal("quality", "lossless", f"{codec} loses something always", "high")
    if alpha and output.quality == "lossless" and codec == "vp9":
        raise _refusal("quality", "lossless", "vp9 is not lossless with transparency; webp and png are", "high")
    if rule.max_fps is not None and fps > rule.max_fps:
        raise SpecError(
            f"output.format={output.format}: at most {rule.max_fps} frames a second, the clip has {float(fps):g}; "
            f"nearest is {rule.max_fps}",
            field="output.format",
            nearest=(rule.max_fps,),
        )
    return output.model_copy(update={"codec": codec})


def _no_alpha(format_name: Format, codec: Codec, rule: FormatRule) -> SpecError:
    if rule.alpha:
        return _refusal("codec", codec, "it carries no transparency", rule.alpha[0])
    able = ", ".join(name for name, other in FORMATS.items() if other.alpha)
    return _refusal("format", format_name, f"it carries no transparency; {able} do", "webm")


def _refusal(field: str, given: str, rule: str, nearest: str) -> SpecError:
    return SpecError(f"output.{field}={given}: {rule}; nearest is {nearest}", field=f"output.{field}")

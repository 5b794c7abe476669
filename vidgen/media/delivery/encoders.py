"""Which encoder of FFmpeg writes which codec, at which quality, and how it is made to write the same bytes every time.

Rates are constant quality. `high` is near to what the eye can tell, `standard` is for sharing, `draft` is small and
fast. Figures are in docs/delivery.md.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from av.codec import Codec as FoundCodec
from av.codec.codec import UnknownCodecError

from vidgen.errors import MediaError
from vidgen.spec.output import FORMATS, Codec, Quality

# SVT-AV1 tells its whole configuration on stderr otherwise; it reads this when it is first used
os.environ.setdefault("SVT_LOG", "1")

X264_PARAMS = "mbtree=0"
"""x264's macroblock tree made files of the same frames differ from run to run when other work had used the heap
(64×64 pixels; without it, or without its assembly, every run was the same)."""

X264_THREADS = 4
"""x264 cuts what it compares a frame with to suit the number of its threads, which is seen in the bytes. By itself it
takes half as many again as there are processors, and another machine would write another file. (Its lookahead's
threads follow from this number and the preset.)"""

X265_PARAMS = "log-level=error:info=0"


@dataclass(frozen=True, slots=True)
class Encoder:
    """How a stream is encoded. `rgb` formats hold the pixels as they are; others are BT.709 of limited range.

    `threads` 0 lets the encoder choose; where the number of threads changes the bytes, it is fixed here.
    """

    name: str
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    rgb: bool = False
    alpha: bool = False
    tag: str | None = None
    threads: int = 0

    @property
    def even_sides(self) -> bool:
        """Formats that store one colour for two pixels have no odd sides."""
        return "420" in self.pixel_format or "422" in self.pixel_format


# quality → (crf, speed), by codec
X264 = {"draft": ("28", "veryfast"), "standard": ("20", "medium"), "high": ("14", "medium"), "lossless": ("0", "fast")}
X265 = {"draft": ("30", "veryfast"), "standard": ("23", "medium"), "high": ("17", "medium"), "lossless": ("", "fast")}
SVT_AV1 = {"draft": ("45", "10"), "standard": ("32", "8"), "high": ("20", "6")}
VP9 = {"draft": ("42", "6"), "standard": ("31", "4"), "high": ("18", "2"), "lossless": ("", "4")}
PRORES_422 = {"draft": "proxy", "standard": "standard", "high": "hq"}
PRORES_4444 = {"draft": "4444", "standard": "4444", "high": "4444xq"}


def encoder_for(codec: Codec, quality: Quality, *, alpha: bool = False) -> Encoder:
    """The encoder of a codec that FFmpeg writes; `resolved_output` has refused what cannot be had.

    Raises MediaError when this build of FFmpeg does not hold it, naming what it holds instead.
    """
    encoder = _WRITERS[codec](quality, alpha)
    _check(codec, encoder.name)
    return encoder


def _h264(quality: Quality, _alpha: bool) -> Encoder:
    crf, preset = X264[quality]
    options = {"crf": crf, "preset": preset, "x264-params": X264_PARAMS}
    if quality == "lossless":
        return Encoder("libx264rgb", "rgb24", options, rgb=True, threads=X264_THREADS)
    return Encoder("libx264", "yuv420p", options, threads=X264_THREADS)


def _hevc(quality: Quality, _alpha: bool) -> Encoder:
    crf, preset = X265[quality]
    # players of Apple know hvc1 alone; one frame thread, because their number is seen in the bytes
    if quality == "lossless":
        options = {"preset": preset, "x265-params": f"{X265_PARAMS}:lossless=1"}
        return Encoder("libx265", "gbrp", options, rgb=True, tag="hvc1", threads=1)
    return Encoder(
        "libx265", "yuv420p", {"crf": crf, "preset": preset, "x265-params": X265_PARAMS}, tag="hvc1", threads=1
    )


def _av1(quality: Quality, _alpha: bool) -> Encoder:
    crf, preset = SVT_AV1[quality]
    return Encoder("libsvtav1", "yuv420p", {"crf": crf, "preset": preset})


def _vp9(quality: Quality, alpha: bool) -> Encoder:
    crf, speed = VP9[quality]
    if quality == "lossless":
        return Encoder("libvpx-vp9", "gbrp", {"lossless": "1", "cpu-used": speed}, rgb=True)
    options = {"crf": crf, "b": "0", "cpu-used": speed}
    if alpha:
        # a hidden frame of colour would have no frame of transparency beside it
        return Encoder("libvpx-vp9", "yuva420p", {**options, "auto-alt-ref": "0"}, alpha=True)
    return Encoder("libvpx-vp9", "yuv420p", options)


def _prores_422(quality: Quality, _alpha: bool) -> Encoder:
    return Encoder("prores_ks", "yuv422p10le", {"profile": PRORES_422[quality], "vendor": "apl0"})


def _prores_4444(quality: Quality, alpha: bool) -> Encoder:
    options = {"profile": PRORES_4444[quality], "vendor": "apl0"}
    return Encoder("prores_ks", "yuva444p10le" if alpha else "yuv444p10le", options, alpha=alpha)


_WRITERS = {
    "h264": _h264,
    "hevc": _hevc,
    "av1": _av1,
    "vp9": _vp9,
    "prores-422": _prores_422,
    "prores-4444": _prores_4444,
}


def is_there(encoder: str) -> bool:
    """Whether this build of FFmpeg has the encoder."""
    try:
        FoundCodec(encoder, "w")
    except UnknownCodecError:
        return False
    return True


def _check(codec: Codec, encoder: str) -> None:
    if is_there(encoder):
        return
    others = (other for rule in FORMATS.values() if codec in rule.codecs for other in rule.codecs if other != codec)
    near = next((other for other in others if is_there(_WRITERS[other]("high", False).name)), None)
    advice = "output.format=png always works" if near is None else f"nearest is {near}"
    raise MediaError(f"output.codec={codec}: this build of FFmpeg has no encoder {encoder}; {advice}")

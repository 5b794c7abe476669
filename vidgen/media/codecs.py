"""Which codecs this build of FFmpeg (the one inside PyAV) must have, and whether it has them."""

from collections.abc import Iterator

from av.codec import Codec
from av.codec.codec import UnknownCodecError

# those of the delivery formats, and those of what people upload
ENCODERS = ("libx264", "libx264rgb", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "gif")
DECODERS = ("h264", "hevc", "vp8", "vp9", "av1")


def missing_codecs() -> Iterator[str]:
    """`libx264 encoder`, `h264 decoder`, … for each that is not there."""
    for names, mode, word in ((ENCODERS, "w", "encoder"), (DECODERS, "r", "decoder")):
        for name in names:
            if not _is_there(name, mode):
                yield f"{name} {word}"


def _is_there(name: str, mode: str) -> bool:
    try:
        Codec(name, mode)
    except UnknownCodecError:
        return False
    return True

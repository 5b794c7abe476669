"""What a child process that opens a stranger's file may do: FFmpeg sees that file alone, the system gives it little."""

import ctypes
import resource
import sys

MAX_STREAMS = 16
MEMORY_BYTES, CPU_SECONDS, FILE_BYTES, OPEN_FILES = 3 << 30, 60, 1 << 30, 32
CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores", "gif", "libvpx", "libvpx-vp9"}
)
SOUND_CODECS = frozenset(
    {"aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "flac", "alac", "pcm_s16le", "pcm_s24le", "pcm_f32le"}
)
# `none` is no protocol at all: what is not in the open file does not exist. FFmpeg looks at codec_whitelist while it
# finds out what the streams are; the decoder that is used afterwards does not (hence the check of its name)
CLOSED = {
    "protocol_whitelist": "none",
    "codec_whitelist": ",".join(sorted(CODECS | SOUND_CODECS)),
    "enable_drefs": "0",
    "max_streams": str(MAX_STREAMS + 1),  # one more, so that too many can be told from enough
}
PR_SET_NO_NEW_PRIVS = 38


def limit_resources() -> None:
    """Limits of this process from here on; they cannot be lifted again."""
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),  # no other process or thread from here on (root is exempt)
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(kind, (limit, limit))
    if sys.platform == "linux":
        # nothing it might start could be more than it is
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

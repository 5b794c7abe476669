"""`make bench-encode`: our writer beside the ffmpeg command, the same frames and settings, in turns in one run.

Both read the same raw RGB frames from a file, convert them to BT.709 and write the file. Ratio: frames a second of ours
over the command's. Encoder libraries may differ in version (both are printed); fails when H.264 falls below 0.9.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vidgen.media.delivery.encoders import Encoder, encoder_for
from vidgen.media.delivery.stream import MUXERS, write_stream
from vidgen.media.frames import FrameChunk
from vidgen.spec.output import FORMATS, Codec, Quality

BAR = 0.9
HEIGHT, WIDTH, FPS = 720, 1280, 24
CODECS: tuple[Codec, ...] = ("h264", "hevc", "av1", "vp9", "prores-422")


def film(num_frames: int) -> FrameChunk:
    """A textured ground that pans, a light square that crosses it, and grain."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (HEIGHT // 16 + 2, (WIDTH + 8 * num_frames) // 16 + 2, 3), np.uint8)
    ground = coarse.repeat(16, 0).repeat(16, 1).astype(np.int16)
    grain = random.integers(-6, 7, (HEIGHT, WIDTH, 3), np.int16)
    frames = np.empty((num_frames, HEIGHT, WIDTH, 3), np.uint8)
    for n in range(num_frames):
        picture = ground[:HEIGHT, 4 * n : 4 * n + WIDTH] + np.roll(grain, 7 * n, 1)
        picture[200:400, 10 * n : 10 * n + 200] = (250, 210, 90)
        frames[n] = picture.clip(0, 255)
    return frames


def ours(raw: Path, num_frames: int, out: Path, encoder: Encoder) -> None:
    frames = np.memmap(raw, np.uint8, "r", shape=(num_frames, HEIGHT, WIDTH, 3))
    write_stream((frames[n : n + 4] for n in range(0, num_frames, 4)), out, fps=Fraction(FPS), encoder=encoder, tags={})


def commands(raw: Path, out: Path, encoder: Encoder) -> None:
    options = [part for name, value in encoder.options.items() for part in (f"-{name}:v", value)]
    threads = ["-threads", str(encoder.threads)] if encoder.threads else []
    size = f"{WIDTH}x{HEIGHT}"
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(FPS), "-i", str(raw)]
    convert = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", encoder.pixel_format]
    fast = ["-movflags", "+faststart"] if MUXERS[out.suffix] != "webm" else []
    quiet = ["ffmpeg", "-y", "-v", "error", "-nostdin"]
    command = [*quiet, *source, *convert, "-c:v", encoder.name, *options, *threads, *fast, str(out)]
    subprocess.run(command, check=True)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """On the clock, and of processor time of this process and its children, which other work disturbs less."""
    began, used = time.perf_counter(), processor_seconds()
    work()
    return time.perf_counter() - began, processor_seconds() - used


def processor_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure(codec: Codec, quality: Quality, raw: Path, num_frames: int, rounds: int) -> float:
    """The ratio of the medians on the clock, printed with that of processor time."""
    encoder = encoder_for(codec, quality)
    suffix = next(rule.suffix for rule in FORMATS.values() if codec in rule.codecs)
    mine, theirs = raw.with_name(f"ours{suffix}"), raw.with_name(f"command{suffix}")
    took: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for _ in range(rounds):
        took[0].append(seconds(lambda: ours(raw, num_frames, mine, encoder)))
        took[1].append(seconds(lambda: commands(raw, theirs, encoder)))
    rates = [num_frames / statistics.median(clock for clock, _ in times) for times in took]
    cpu = [num_frames / statistics.median(used for _, used in times) for times in took]
    sizes = [file.stat().st_size / 1e6 for file in (mine, theirs)]
    ratio = rates[0] / rates[1]
    print(
        f"{codec:11} {encoder.name:11} ours {rates[0]:6.1f} fps {sizes[0]:5.1f} MB   "
        f"command {rates[1]:6.1f} fps {sizes[1]:5.1f} MB   ratio {ratio:.2f}, of processor time {cpu[0] / cpu[1]:.2f}",
        flush=True,
    )
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=72)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quality", choices=("draft", "standard", "high"), default="high")
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=CODECS)
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        print("this bench needs the ffmpeg command (Debian: apt install ffmpeg)", file=sys.stderr)
        return 64
    version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
    print(f"PyAV {av.__version__} (libavcodec {av.library_versions['libavcodec']}) beside ffmpeg {version}")
    print(f"{options.frames} frames of {WIDTH}×{HEIGHT}, quality {options.quality}, {options.rounds} rounds in turns")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "frames.rgb"
        film(options.frames).tofile(raw)
        ratios = {
            codec: measure(codec, options.quality, raw, options.frames, options.rounds) for codec in options.codecs
        }
    return 0 if ratios.get("h264", 1.0) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())

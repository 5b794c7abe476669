"""Sound is kept and in step: a beep that belongs to a flash is heard when the flash is seen, in every file."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidgen.media.delivery.deliver import deliver
from vidgen.media.delivery.sound import Soundtrack
from vidgen.media.probe import probe
from vidgen.media.reader import every_frame
from vidgen.pipelines import Residency, render
from vidgen.pipelines.source_frames import source_shape
from vidgen.runtime.context import RunContext
from vidgen.spec import (
    ExtendVideo,
    MediaRef,
    Output,
    PostStep,
    ProcessVideo,
    Recipe,
    TextToVideo,
    VideoToVideo,
    resolve,
    resolve_process,
    resolved_output,
)
from vidgen.spec.post import Interpolate

FPS, FRAMES, RATE = 24, 60, 44100
FLASH = 1.25
"""Seconds; a frame begins there at 8, 12 and 24 frames a second."""
CLIP = MediaRef(upload_id="upl_clip")


def flash(num_frames: int, fps: int) -> np.ndarray:
    frames = np.full((num_frames, 32, 32, 3), 20, np.uint8)
    frames[round(FLASH * fps) :] = 230
    return frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two and a half seconds that turn light when the tone begins; MP3 in Matroska."""
    path = tmp_path_factory.mktemp("sound") / "clip.mkv"
    times = np.arange(round(RATE * FRAMES / FPS)) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 880 * times) * (times >= FLASH) * 32767).astype(np.int16)
    with av.open(str(path), "w") as container:
        pictures, sound = container.add_stream("libx264", rate=FPS), container.add_stream("libmp3lame", rate=RATE)
        pictures.width = pictures.height = 32
        pictures.pix_fmt, sound.layout = "yuv420p", "mono"
        for frame in flash(FRAMES, FPS):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        whole = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        whole.sample_rate, whole.pts = RATE, 0
        container.mux(sound.encode(whole))
        container.mux(sound.encode())
        container.mux(pictures.encode())
    return path


@pytest.fixture(scope="module")
def upload(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip as the service keeps it."""
    out = tmp_path_factory.mktemp("upload")
    command = [sys.executable, "-m", "vidgen.media.ingest", str(clip), str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return out / "media.mp4"


def heard(path: Path) -> tuple[float, float]:
    """When the tone begins, and when the sound ends, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        pieces = [
            (float(frame.pts * frame.time_base), frame.to_ndarray().astype(float).mean(0), frame.sample_rate)
            for frame in container.decode(stream)
        ]
    loudest = max(np.abs(samples).max() for _, samples, _ in pieces)
    for start, samples, rate in pieces:
        loud = np.flatnonzero(np.abs(samples) > loudest / 4)
        if len(loud):
            return start + loud[0] / rate, pieces[-1][0] + len(pieces[-1][1]) / pieces[-1][2]
    raise AssertionError("nothing is heard")


def seen(path: Path) -> float:
    light = [frame.mean() > 128 for frame in every_frame(path)]
    return light.index(True) / float(probe(path).fps)


def in_step(path: Path) -> bool:
    return abs(heard(path)[0] - seen(path)) < 0.02


def processed(source: Path, out: Path, registry, *steps: PostStep, **output: str) -> Path:
    spec = resolve_process(ProcessVideo(video=CLIP, post=steps, output=Output(**output)), source_shape(source))
    return render(spec, RunContext({CLIP.key: source}), out, Residency(registry)).video.path


def test_an_upload_keeps_its_sound(clip: Path, upload: Path) -> None:
    """Fails when the sound's own start is left out of the count: tried with a shift of half a second."""
    assert in_step(clip)
    assert in_step(upload)
    assert abs(heard(upload)[1] - FRAMES / FPS) < 0.05


@pytest.mark.parametrize("name", ["mp4", "webm", "prores"])
def test_sound_goes_along_into_every_format_that_carries_it(tmp_path, upload, tiny_registry, name):
    path = processed(upload, tmp_path, tiny_registry, format=name)
    assert in_step(path)
    assert abs(heard(path)[1] - FRAMES / FPS) < 0.05
    told = '"sound": "libopus"' if name == "webm" else '"sound": "copied"'
    assert told in (tmp_path / "receipt.json").read_text()


def test_it_is_left_out_where_asked_and_where_it_cannot_be(tmp_path, upload, tiny_registry):
    for name, output in (("a", {"audio": "drop"}), ("b", {"format": "gif"})):
        (tmp_path / name).mkdir()
        assert not probe(processed(upload, tmp_path / name, tiny_registry, **output)).sound
        assert '"sound": null' in (tmp_path / name / "receipt.json").read_text()


def test_a_restyle_keeps_the_sound_of_its_source_and_no_more_of_it(tmp_path, upload, tiny_registry):
    """At another rate than the source's. Fails when the sound is not ended with the pictures: tried."""
    spec = VideoToVideo(model="tiny", video=CLIP, strength=0.0, num_frames=17, fps=12)
    spec = resolve(spec, tiny_registry.get("tiny").rules)
    path = render(spec, RunContext({CLIP.key: upload}), tmp_path, Residency(tiny_registry)).video.path
    assert in_step(path)
    assert abs(heard(path)[1] - 17 / 12) < 0.05


@pytest.mark.parametrize("fps", [6, 48, Fraction(30000, 1001)])
def test_another_rate_changes_nothing_for_the_sound(tmp_path, upload, fps):
    frames = flash(round(FRAMES * fps / FPS), fps)
    recipe = Recipe(spec=TextToVideo(), model_revision="", vidgen="")
    path = deliver(
        [frames], tmp_path, output=resolved_output(Output(), fps=fps), fps=fps, recipe=recipe, sound=Soundtrack(upload)
    ).path
    assert abs(heard(path)[0] - FLASH) < 0.02
    assert abs(heard(path)[1] - len(frames) / fps) < 0.05


def test_the_same_sound_gives_the_same_bytes(tmp_path, upload, tiny_registry):
    files = []
    for name in "ab":
        (tmp_path / name).mkdir()
        files.append(processed(upload, tmp_path / name, tiny_registry, format="webm").read_bytes())
    assert files[0] == files[1]


def test_interpolated_pictures_stay_in_step(tmp_path, upload, tiny_registry):
    path = processed(upload, tmp_path, tiny_registry, Interpolate(fps=29.97))
    assert probe(path).fps == Fraction(30000, 1001)
    assert abs(heard(path)[0] - seen(path)) < 0.04  # a frame of either rate


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_a_part_of_the_sound_is_heard_where_its_pictures_are(tmp_path, upload, name):
    """As when a clip is made longer before its beginning. Fails when copied packets keep their old times: tried."""
    track = Soundtrack(upload, first=Fraction(1), last=Fraction(2), at=Fraction(1, 2))
    recipe = Recipe(spec=TextToVideo(), model_revision="", vidgen="")
    output = resolved_output(Output(format=name), fps=FPS)
    path = deliver([flash(FRAMES, FPS)], tmp_path, output=output, fps=FPS, recipe=recipe, sound=track).path
    assert abs(heard(path)[0] - (FLASH - 1 + 0.5)) < 0.03
    assert abs(heard(path)[1] - 1.5) < 0.06


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_an_extended_clip_keeps_the_sound_of_the_part_that_stays(tmp_path, upload, tiny_registry, direction):
    """Fails when the sound of a clip that comes last is heard from the start: tried."""
    new = 16 if direction == "forward" else 17
    asked = {"model": "tiny", "video": CLIP, "num_frames": new, "fps": 8, "num_inference_steps": 1}
    place = {"from_seconds": 1.75} if direction == "forward" else {"from_seconds": 0.25, "direction": "backward"}
    spec = resolve(ExtendVideo(**asked, **place), tiny_registry.get("tiny").rules)
    path = render(spec, RunContext({CLIP.key: upload}), tmp_path, Residency(tiny_registry)).video.path
    begins, ends = (FLASH, 15 / 8) if direction == "forward" else (FLASH - 2 / 8 + new / 8, (new + 18) / 8)
    assert abs(heard(path)[0] - begins) < 0.03
    assert abs(heard(path)[1] - ends) < 0.06

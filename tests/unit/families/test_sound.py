"""Sound that a model makes with its pictures: in the file, in step with them, and gone when it is not wanted."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.tiny_families import ltx2, wan
from vidgen.pipelines import render, whole_clip
from vidgen.runtime.context import RunContext
from vidgen.runtime.waveform import Waveform

RATE = 24000
ASKED = {"num_frames": 49, "num_inference_steps": 1}


@pytest.fixture
def tiny(tiny_of):
    return tiny_of(ltx2.CASES[0])


def sound_of(file: Path) -> tuple[np.ndarray, Fraction, Fraction]:
    """A file's first channel at `RATE` from the moment of the first picture on, when it ends, and when they end."""
    with av.open(str(file)) as container:
        resampler = av.AudioResampler("fltp", "stereo", RATE)
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        begins = frames[0].pts * frames[0].time_base
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        video = container.streams.video[0]
        ends = begins + Fraction(len(samples), RATE)
        before = round(begins * RATE)  # the encoder's run-up has negative times
        aligned = samples[-before:] if before < 0 else np.pad(samples, (before, 0))
        return aligned, ends, video.frames / video.average_rate


def rendered(tiny, folder: Path, **changes) -> tuple[Path, dict]:
    folder.mkdir()
    made = render(tiny.spec(**ASKED | changes), RunContext(media=tiny.media), folder, tiny.residency)
    return made.video.path, json.loads((folder / "receipt.json").read_text())


def library_waveform(tiny) -> np.ndarray:
    """What one call of diffusers' pipeline gives, sound and all."""
    model = tiny.residency.model(tiny.manifest.id)
    request = whole_clip._request(tiny.spec(**ASKED), RunContext(media=tiny.media))
    with torch.inference_mode():
        output = model.pipeline(request)(
            **model.arguments(request), num_inference_steps=1, generator=request.generator(), output_type="np"
        )
    return output.audio[0].float().numpy()


def lag(heard: np.ndarray, given: np.ndarray) -> tuple[float, float]:
    """By how many seconds `heard` is late, and how alike they then are (-1..1)."""
    size = 1 << (len(heard) + len(given)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(given, size))
    alike = np.fft.irfft(spectrum, size) / (np.linalg.norm(heard) * np.linalg.norm(given))
    best = int(alike.argmax())
    return (best if best < size // 2 else best - size) / RATE, float(alike[best])


def test_the_sound_is_the_models_and_in_step_with_the_pictures(tiny, tmp_path):
    """To 5 ms. Fails when the waveform is written at another rate, or begins later: tried."""
    video, receipt = rendered(tiny, tmp_path / "one")
    samples, ends, pictures_end = sound_of(video)
    given = library_waveform(tiny)[0]
    late, alike = lag(samples, given)
    assert abs(late) < 0.005
    assert alike > 0.85
    assert abs(ends - pictures_end) < Fraction(1, 12)
    assert receipt["sound"] == "aac"
    other, _ = rendered(tiny, tmp_path / "two", seed=4)
    assert lag(sound_of(other)[0], given)[1] < alike - 0.05


def test_sound_that_is_not_wanted_is_not_made(tiny, tmp_path):
    """Fails when `drop` is asked for and the sound is made nevertheless: tried."""
    heard: list[Waveform] = []
    spec = tiny.spec(**ASKED, output={"audio": "drop"})
    assert whole_clip._request(spec, RunContext(media=tiny.media, on_sound=heard.append)).on_sound is None
    video, receipt = rendered(tiny, tmp_path / "one", output={"audio": "drop"})
    with av.open(str(video)) as container:
        assert not container.streams.audio
    assert receipt["sound"] is None


def test_families_without_sound_say_so(tiny, tiny_of):
    assert tiny.manifest.rules.sound
    assert not tiny_of(wan.CASES[0]).manifest.rules.sound

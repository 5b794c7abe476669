"""The engine on a CUDA device: the same recipes, frames close to the CPU's, nothing left on the wrong device."""

import numpy as np
import pytest
import torch

from vidgen.families.wan_vace import WanVace
from vidgen.media.writer import write_video
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import ImageToVideo, MediaRef, TextToVideo, VideoToVideo, resolve

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

CLIP = MediaRef(artifact_id="art_1")
SPECS = [
    TextToVideo(model="tiny", prompt="a red cat", seed=3),
    ImageToVideo(model="tiny", prompt="a red cat", seed=3, image=CLIP),
    VideoToVideo(model="tiny", prompt="a red cat", seed=3, video=CLIP, strength=0.5),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.task)
def test_cuda_gives_the_frames_of_the_cpu(tiny_registry, tmp_path, spec):
    manifest = tiny_registry.get("tiny")
    source = np.random.default_rng(0).integers(0, 255, (17, 32, 32, 3), np.uint8)
    ctx = RunContext(media={CLIP.key: write_video([source], tmp_path / "a.mp4", fps=8).path})
    clips = []
    for name in ("cpu", "cuda"):
        model = WanVace(manifest.path, text_length=manifest.text_length, device=torch.device(name), dtype=torch.float32)
        with torch.inference_mode():
            clips.append(np.concatenate(list(pipeline_for(spec.task, model)(resolve(spec, manifest.rules), ctx))))
    assert np.abs(clips[0].astype(int) - clips[1]).mean() < 2

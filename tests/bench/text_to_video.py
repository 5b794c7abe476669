"""Text-to-video with the shipped checkpoint: vidgen beside stock diffusers, same weights, steps and noise, in one run.

Prints seconds, ratios and the PSNR between the results. The machine's other load hits all of them alike, because
their runs take turns; the figure of each is its fastest run. WanVACEPipeline runs with its hints scaled to zero, which
makes it the same function as the plain transformer: text-to-video has nothing to be conditioned on.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import WanPipeline, WanTransformer3DModel, WanVACEPipeline
from diffusers.utils import logging as diffusers_logging

from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import TextToVideo, resolve
from vidgen_models.registry import Manifest, ModelRegistry

Frames = np.ndarray
LEAST_PSNR_DB = 50.0
PROMPT = "a cat moves left on a blue background"


def psnr(a: Frames, b: Frames) -> float:
    """Peak signal-to-noise ratio in dB of two clips in 0..1."""
    error = float(np.mean((a - b) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def ours(residency: Residency, spec: TextToVideo) -> Frames:
    with torch.inference_mode():
        chunks = list(pipeline_for(spec.task, residency.model(spec.model))(spec, RunContext()))
    return np.concatenate(chunks).astype(np.float32) / 255


def stock(
    pipeline: WanPipeline | WanVACEPipeline, spec: TextToVideo, manifest: Manifest, noise: torch.Tensor
) -> Frames:
    hints_off = {"conditioning_scale": 0.0} if isinstance(pipeline, WanVACEPipeline) else {}
    frames: Frames = pipeline(
        **hints_off,
        prompt=spec.prompt,
        negative_prompt=spec.negative_prompt,
        num_inference_steps=spec.num_inference_steps,
        guidance_scale=spec.guidance_scale,
        num_frames=spec.num_frames,
        height=spec.height,
        width=spec.width,
        latents=noise.clone(),
        max_sequence_length=manifest.text_length,
        output_type="np",
    ).frames[0]
    return frames


def stock_pipelines(folder: Path) -> dict[str, WanPipeline | WanVACEPipeline]:
    base = WanTransformer3DModel.from_pretrained(folder / "transformer")
    pipelines = {
        "diffusers WanPipeline": WanPipeline.from_pretrained(folder, transformer=base),
        "diffusers WanVACEPipeline": WanVACEPipeline.from_pretrained(folder),
    }
    for pipeline in pipelines.values():
        pipeline.set_progress_bar_config(disable=True)
    return pipelines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="denoising steps; the default is the model's")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, taken in turns")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()

    residency = Residency(ModelRegistry())
    manifest = residency.registry.get("sprites-64")
    asked = TextToVideo(prompt=PROMPT, seed=arguments.seed, num_inference_steps=arguments.steps)
    spec = resolve(asked, manifest.rules)
    model = residency.model(spec.model)
    noise = frame_noise(arguments.seed, 0, model.latent_shape(spec.num_frames, spec.height, spec.width))
    contenders: dict[str, Callable[[], Frames]] = {"vidgen": lambda: ours(residency, spec)}
    for name, pipeline in stock_pipelines(manifest.path).items():
        contenders[name] = lambda pipeline=pipeline: stock(pipeline, spec, manifest, noise)  # type: ignore[misc]

    results = {name: run() for name, run in contenders.items()}  # the first run of each warms up
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(arguments.runs):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)

    best = {name: min(taken) for name, taken in seconds.items()}
    print(
        f"{spec.num_frames} frames of {spec.width}×{spec.height}, {spec.num_inference_steps} steps, "
        f"{torch.get_num_threads()} threads"
    )
    print(f"{'':28}{'seconds':>9}{'vidgen is':>12}{'PSNR to vidgen':>17}")
    for name, taken in best.items():
        fidelity = "" if name == "vidgen" else f"{psnr(results['vidgen'], results[name]):.1f} dB"
        print(f"{name:28}{taken:9.3f}{taken / best['vidgen']:11.2f}×{fidelity:>17}")
    fidelity_db = {name: psnr(results["vidgen"], frames) for name, frames in results.items() if name != "vidgen"}
    print(
        json.dumps(
            {
                "ratio": {name: round(best[name] / best["vidgen"], 2) for name in fidelity_db},
                "psnr_db": {name: round(value, 1) for name, value in fidelity_db.items()},
            }
        )
    )
    return 0 if min(fidelity_db.values()) >= LEAST_PSNR_DB else 1


if __name__ == "__main__":
    sys.exit(main())

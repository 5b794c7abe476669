"""Writes a trained checkpoint as a folder in the standard diffusers layout, loadable by stock WanVACEPipeline.

Run `python -m training.export --output <folder>`. Weights are taken from the moving average and stored in half
precision, the autoencoder in single precision, because it is small and its errors are seen.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from diffusers import UniPCMultistepScheduler, WanVACEPipeline

from training.cameras import CAMERAS
from training.captions import VIEWS
from training.device import CPU
from training.grounds import FILM, GROUNDS
from training.latents import load_vae
from training.sprites import SUBJECTS
from training.stage import Stage, options
from training.tokenizer import build_tokenizer
from training.transformer import average_weights, build

MOTION_WORDS = {
    "left": "moves left",
    "right": "moves right",
    "up": "moves up",
    "down": "moves down",
    "grow": "grows",
    "shrink": "shrinks",
    "spin": "spins",
    "still": "stays still",
    "bounce": "bounces",
    "shake": "shakes",
    "fade": "fades in",
    "alive": "comes alive",
}


def build_pipeline(stage: Stage) -> WanVACEPipeline:
    """The whole pipeline from the newest checkpoints, on the CPU; an untrained transformer when there is none yet."""
    tokenizer = build_tokenizer()
    model = build(stage.preset, tokenizer)
    if (stage.work / "transformer.pt").exists():
        average_weights(model, stage.work)
    return WanVACEPipeline(
        tokenizer=tokenizer,
        text_encoder=model["text"].eval(),
        vae=load_vae(replace(stage, device=CPU)),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
        ),
        transformer=model["transformer"].eval(),
    )


def export(stage: Stage, output: Path) -> None:
    pipeline = build_pipeline(stage)
    pipeline.transformer.half()
    pipeline.text_encoder.half()
    pipeline.save_pretrained(output, safe_serialization=True)
    vocabulary = {
        "subjects": [s.name for s in SUBJECTS],
        "synonyms": {s.name: list(s.words[1:]) for s in SUBJECTS if len(s.words) > 1},
        "motions": list(MOTION_WORDS.values()),
        "backgrounds": [*GROUNDS, FILM],
        "cameras": [VIEWS[camera][0] for camera in CAMERAS],
    }
    (output / "vocabulary.json").write_text(json.dumps(vocabulary, indent=1) + "\n")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    export(Stage.of(args), args.output)
    print(sum(f.stat().st_size for f in args.output.rglob("*") if f.is_file()) / 1e6, "MB")


if __name__ == "__main__":
    main()

"""Writes a trained checkpoint as a folder in the standard diffusers layout, loadable by stock WanVACEPipeline.

Run `python -m training.export --output <folder>`. Weights are taken from the moving average and stored in half
precision, a small autoencoder in single precision, because its errors are seen.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

from diffusers import UniPCMultistepScheduler, WanVACEPipeline

from training.cameras import CAMERAS
from training.canvas import STEP
from training.captions import VIEWS
from training.device import CPU
from training.grounds import FILM, GROUNDS
from training.latents import load_vae
from training.stage import Stage, options
from training.tokenizer import MAX_LENGTH, build_tokenizer
from training.transformer import average_weights, build
from vidgen.families import own_rules
from vidgen.spec import ModelRules
from vidgen_models.registry import SHIPPED_MANIFESTS, VOCABULARY

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
    tokenizer = build_tokenizer(stage.library)
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
    if stage.preset.vae.stored_in_half:
        pipeline.vae.half()
    pipeline.save_pretrained(output, safe_serialization=True)
    vocabulary = {
        "subjects": list(stage.library.names),
        "synonyms": {name: list(words[1:]) for name, words in stage.library.words.items() if len(words) > 1},
        "motions": list(MOTION_WORDS.values()),
        "backgrounds": [*GROUNDS, FILM],
        "cameras": [VIEWS[camera][0] for camera in CAMERAS],
    }
    (output / VOCABULARY).write_text(json.dumps(vocabulary, indent=1) + "\n")
    write_rules(output, trained_rules(stage.preset.side))


def trained_rules(side: int) -> ModelRules:
    """What a model of this recipe can do: all that the shipped one was found to, at its own side."""
    told = tomllib.loads((SHIPPED_MANIFESTS / "sprites-64.toml").read_text())["rules"]
    sides = {"min": side, "max": side, "multiple": STEP, "default_width": side, "default_height": side}
    return ModelRules.model_validate({**told, "sides": sides})


def write_rules(output: Path, rules: ModelRules) -> None:
    """Lets `vidgen models add` know what the folder was trained for."""
    told = {"text_length": MAX_LENGTH, "rules": rules.model_dump(mode="json")}
    (output / own_rules.FILE).write_text(json.dumps(told, indent=1) + "\n")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    export(Stage.of(args), args.output)
    print(sum(f.stat().st_size for f in args.output.rglob("*") if f.is_file()) / 1e6, "MB")


if __name__ == "__main__":
    main()

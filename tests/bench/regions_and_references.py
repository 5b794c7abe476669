"""What reports say of regions and reference pictures on the shipped checkpoint, beside clips of the same seeds without.

`python -m tests.bench.regions_and_references [SEEDS]`. Seeds are 0, 1, 2, … and not chosen.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch

from tests.bench.conditioning_sheet import MODEL
from vidgen.pipelines import Residency
from vidgen.pipelines.conditioning_report import ConditioningMeter
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Verdict
from vidgen.spec import TextToVideo, resolve
from vidgen_models.registry import ModelRegistry

CAT = "a cat moves left on a blue background"
LEFT, RIGHT = ({"left": at, "top": 0, "right": at + 0.5, "bottom": 1} for at in (0, 0.5))
TWO = (
    {"prompt": "a cat moves left on a red background", "box": LEFT},
    {"prompt": "a rocket on a yellow background", "box": RIGHT},
)
APPLE = "an apple on a yellow background"
"""With a rocket on the same ground on the right: there the subject alone tells the prompts apart."""
COLOURS = {"magenta": (200, 40, 170), "green": (40, 160, 60)}
PLAIN = "something on a blue background"


class Bench:
    def __init__(self, folder: Path) -> None:
        self.registry, self.folder = ModelRegistry(), folder
        self.residency, self.rules = Residency(self.registry), self.registry.get(MODEL).rules
        for name, colour in COLOURS.items():
            picture = np.full((64, 64, 3), 255, np.uint8)
            cv2.circle(picture, (32, 32), 22, colour, -1)
            cv2.imwrite(str(folder / f"{name}.png"), picture[..., ::-1])

    def report(self, seed: int, judged: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Of the clip that `fields` ask for, as an answer to `judged`."""
        media = {f"upl_{name}": self.folder / f"{name}.png" for name in COLOURS}
        said: list[Verdict] = []
        ctx = RunContext(media=media, on_verdict=said.append if "regions" in fields else None)
        recipe = pipeline_for("text-to-video", self.residency.model(MODEL))
        meter = ConditioningMeter(self._spec(seed, judged), ctx, self.rules.conditioning)
        with torch.inference_mode():
            list(meter.through(recipe(self._spec(seed, fields), ctx)))
        return meter.report(said)

    def _spec(self, seed: int, fields: dict[str, Any]) -> TextToVideo:
        asked = TextToVideo.model_validate({"model": MODEL, "num_frames": 9, "seed": seed} | fields)
        spec = resolve(asked, self.rules)
        assert isinstance(spec, TextToVideo)
        return spec


def main() -> None:
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for seed in seeds:
            regions_of(bench, seed, CAT, TWO)
        for seed in seeds:
            regions_of(bench, seed, APPLE, TWO[1:], "one ground, ")
        for seed in seeds:
            for name in COLOURS:
                asked = {"prompt": PLAIN, "references": [{"image": {"upload_id": f"upl_{name}"}}]}
                (with_it,) = bench.report(seed, asked, **asked)["references"]
                (without,) = bench.report(seed, asked, prompt=PLAIN)["references"]
                told_of(f"{name} disc, seed {seed}", with_it, without, ("measured", "other_colours"))


def regions_of(bench: Bench, seed: int, prompt: str, regions: tuple[dict[str, Any], ...], label: str = "") -> None:
    """Beside the clip of the same seed in which they have no weight."""
    asked = {"prompt": prompt, "regions": regions}
    ignored = {"prompt": prompt, "regions": tuple({**region, "weight": 0} for region in regions)}
    told = [bench.report(seed, fields, **fields)["regions"] for fields in (asked, ignored)]
    for with_it, without in zip(*told, strict=True):
        told_of(f"{label}region {with_it['region']}, seed {seed}", with_it, without, ("measured", "elsewhere"))


def told_of(label: str, with_it: dict[str, Any], without: dict[str, Any], names: Sequence[str]) -> None:
    parts = (" and ".join(f"{it[name]:.2f}" for name in names) for it in (with_it, without))
    print(f"{label:32}{' ; without: '.join(parts)}", flush=True)


if __name__ == "__main__":
    main()

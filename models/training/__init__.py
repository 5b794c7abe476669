"""Trains the embedded model from nothing. Run from the folder `models`, in this order, each with `--cache` and
`--work` folders:

    python -m training.prepare --processes 2
    python -m training.vae --stage image --processes 2
    python -m training.vae --stage video --processes 2
    python -m training.vae --stage long --processes 2
    python -m training.judges
    python -m training.latents --processes 2
    python -m training.transformer --processes 2
    python -m training.decoder --processes 2
    python -m training.export --output vidgen_models/weights/sprites-64
    python -m training.distillation --teacher vidgen_models/weights/sprites-64 --stage guidance
    python -m training.distillation --teacher vidgen_models/weights/sprites-64 --stage steps
    python -m training.evaluate --model vidgen_models/weights/sprites-64

`make train-model` runs them so. `--preset cpu` (the default) is what the shipped checkpoint was made with; `trial` goes
through all of it in minutes; `full` is for one GPU, and was never run on one.
"""

import os

# libgomp's threads spin while they wait, which beside any other load costs most of the throughput. It reads this once,
# when torch is loaded, so it must be said before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

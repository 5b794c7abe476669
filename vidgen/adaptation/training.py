"""Trains low-rank layers on a few clips, by flow matching (Lipman et al. 2022, arXiv:2210.02747); it can be stopped.

Every step's choices and noise are a function of (seed, step), so that a run that was stopped and gone on with is the
one that was never stopped, to the bit.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vidgen.adaptation.examples import Example
from vidgen.adaptation.low_rank import LowRank, attach, detach, parameters_of
from vidgen.components.rectified_flow import add_noise
from vidgen.errors import ModelError

TRAIN_STEPS = 1000
"""The network counts noise levels in thousandths."""
MOST_GRADIENT = 1.0
AVERAGES = ("exp_avg", "exp_avg_sq")
"""What the optimiser knows of each parameter."""
Report = Callable[[int, float], None]
"""Told after every step: how many are done, and the loss."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """`shift` is that of the model's schedule; `unconditional` the share of samples without their caption."""

    steps: int = 200
    rank: int = 8
    learning_rate: float = 1e-3
    batch: int = 2
    seed: int = 0
    shift: float = 3.0
    unconditional: float = 0.1


class Training:
    """A network with low-rank layers, and how far they are. `silence` is the embedding of an empty prompt.

    `identity` names what is trained on; a state of something else is refused.
    """

    def __init__(
        self,
        network: nn.Module,
        examples: Sequence[Example],
        silence: Tensor,
        settings: TrainingSettings,
        identity: str,
    ) -> None:
        self._network, self._examples, self._silence, self.settings = network, examples, silence, settings
        self.layers: Mapping[str, LowRank] = attach(network, settings.rank, settings.seed)
        self._optimizer = torch.optim.AdamW(parameters_of(self.layers), lr=settings.learning_rate, weight_decay=0.0)
        self._identity = json.dumps([identity, asdict(settings) | {"steps": 0}, [it.name for it in examples]])
        self.done = 0

    def close(self) -> None:
        """Leave the network as it was."""
        detach(self._network, self.layers)

    def seconds_per_step(self) -> float:
        """How long a step takes here, measured on one whose result is thrown away."""
        self._learn(0)
        started = time.perf_counter()
        self._learn(0)
        self._optimizer.zero_grad()
        return time.perf_counter() - started

    def run(self, report: Report, keep: Callable[[], None], every: int = 25) -> None:
        """All steps that are left; `keep` is called after every so many, and at the end."""
        while self.done < self.settings.steps:
            loss = self._learn(self.done)
            nn.utils.clip_grad_norm_(parameters_of(self.layers), MOST_GRADIENT)
            self._optimizer.step()
            self._optimizer.zero_grad()
            self.done += 1
            report(self.done, loss)
            if self.done % every == 0 or self.done == self.settings.steps:
                keep()

    @property
    def fingerprint(self) -> str:
        """Names what is trained on and how, but not for how many steps: states of one can be gone on with."""
        return hashlib.sha256(self._identity.encode()).hexdigest()

    def state(self) -> dict[str, Tensor]:
        """Layers and the optimiser's averages, as they are now."""
        tensors = {}
        for name, parameter in self._named():
            tensors[name] = parameter.detach().cpu()
            for kind in AVERAGES:
                tensors[f"{name}/{kind}"] = self._optimizer.state[parameter][kind].cpu()
        return tensors

    def restore(self, tensors: Mapping[str, Tensor], done: int) -> None:
        """Go on from `state()` after so many steps."""
        self.done = done
        for name, parameter in self._named():
            parameter.data.copy_(tensors[name])
            kinds = {kind: tensors[f"{name}/{kind}"].to(parameter) for kind in AVERAGES}
            self._optimizer.state[parameter] = {"step": torch.tensor(float(done)), **kinds}

    def save(self, file: Path) -> None:
        """The state and the count of steps, as plain numbers."""
        half = file.with_name(f"{file.name}.half")
        save_file(self.state(), half, metadata={"identity": self._identity, "done": str(self.done)})
        half.replace(file)

    def load(self, file: Path) -> None:
        """Go on from a saved state. Raises ModelError when it is of other clips, settings or weights."""
        try:
            with safe_open(file, framework="pt") as state:
                about = state.metadata() or {}
                tensors = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118 - not a mapping
        except SafetensorError as error:
            raise ModelError(f"{file.name}: not the state of a training") from error
        if about.get("identity") != self._identity:
            raise ModelError(f"{file.name}: of other clips, captions, settings or weights; remove it to begin anew")
        self.restore(tensors, int(about["done"]))

    def _named(self) -> list[tuple[str, nn.Parameter]]:
        return [(f"{name}.{part}", getattr(it, part)) for name, it in self.layers.items() for part in ("down", "up")]

    def _learn(self, step: int) -> float:
        """Add the gradients of a step; returns the loss."""
        loss = self._loss(step)
        torch.autograd.backward(loss)
        return float(loss.detach())

    def _loss(self, step: int) -> Tensor:
        """Mean squared error of the predicted velocity, over a batch of clips of one length."""
        settings, generator = self.settings, torch.Generator().manual_seed(self.settings.seed * 2**20 + step)
        chosen = torch.randint(len(self._examples), (settings.batch,), generator=generator).tolist()
        examples = [self._examples[n] for n in chosen]
        silent = torch.rand(settings.batch, generator=generator) < settings.unconditional
        spread = torch.rand(settings.batch, generator=generator)
        sigmas = settings.shift * spread / (1 + (settings.shift - 1) * spread)
        latents = torch.cat([example.latents for example in examples])
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = torch.cat([add_noise(latents[n], noise[n], float(sigma))[None] for n, sigma in enumerate(sigmas)])
        text = torch.cat(
            [self._silence if mute else example.text for mute, example in zip(silent, examples, strict=True)]
        )
        predicted: Tensor = self._network(noisy, TRAIN_STEPS * sigmas.to(latents), text, return_dict=False)[0]
        return torch.nn.functional.mse_loss(predicted.float(), noise - latents)

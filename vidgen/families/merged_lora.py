"""LoRAs (Hu et al. 2021, arXiv:2106.09685) added to the weights of a network that stays in memory: `W + w·α/r·B·A`.

For families that our own loop denoises. What was there is kept and put back to the bit, so that jobs with different
LoRAs follow each other on one network. Networks that share its weights are changed with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diffusers.loaders import WanLoraLoaderMixin
from safetensors.torch import load_file
from torch import Tensor, nn

from vidgen.errors import ModelError
from vidgen.spec.advanced import LoraUse
from vidgen_models.folder_check import sha256
from vidgen_models.loras import LoraManifest

NETWORK = "transformer."


@dataclass(frozen=True, slots=True)
class Addition:
    """An installed LoRA and how much of it; the file was checked."""

    lora: LoraManifest
    weight: float


def additions(uses: Sequence[LoraUse], known: Mapping[str, LoraManifest]) -> tuple[Addition, ...]:
    """Raises ModelError for a LoRA that is not installed, gone, or not the file that was added."""
    return tuple(Addition(checked_lora(use.id, known), use.weight) for use in uses)


def checked_lora(lora_id: str, known: Mapping[str, LoraManifest]) -> LoraManifest:
    """An installed LoRA whose file is the one that was added. Raises ModelError."""
    if lora_id not in known:
        raise ModelError(f"lora={lora_id}: not installed; installed are {', '.join(sorted(known)) or 'none'}")
    lora = known[lora_id]
    if not lora.path.is_file():
        raise ModelError(f"lora={lora_id}: {lora.path.name} is gone; add it again")
    if sha256(lora.path) != lora.sha256:
        raise ModelError(f"lora={lora_id}: not the file that was added (sha256 differs)", code="unsafe_model")
    return lora


class MergedLoras:
    """The LoRAs that are in a network's weights now."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._present: tuple[Addition, ...] = ()
        self._kept: dict[str, Tensor] = {}

    def use(self, wanted: tuple[Addition, ...]) -> None:
        """Have these in the weights and no others. Raises ModelError, with none in them, when one does not fit."""
        if wanted == self._present:
            return
        self._take_out()
        try:
            for addition in wanted:
                self._add(addition)
        except ModelError:
            self._take_out()
            raise
        self._present = wanted

    def _take_out(self) -> None:
        parameters = dict(self._network.named_parameters())
        for name, kept in self._kept.items():
            parameters[name].data.copy_(kept)
        self._kept, self._present = {}, ()

    def _add(self, addition: Addition) -> None:
        parameters = dict(self._network.named_parameters())
        for name, delta in lora_deltas(addition.lora).items():
            target = parameters.get(f"{name}.weight")
            if target is None or target.shape != delta.shape:
                raise ModelError(f"lora={addition.lora.id}: does not fit this model's network ({name})")
            self._kept.setdefault(f"{name}.weight", target.data.clone())
            target.data.copy_(target.data.float() + addition.weight * delta.to(target.device))


def lora_deltas(lora: LoraManifest) -> dict[str, Tensor]:
    """What a LoRA adds at weight 1, float32, by layer. Raises ModelError where a part of it cannot be read."""
    try:
        weights = WanLoraLoaderMixin.lora_state_dict(load_file(lora.path))
    except (ValueError, LookupError) as error:
        raise ModelError(f"lora={lora.id}: not in a form that is known ({type(error).__name__})") from error
    found = {}
    for name, down in weights.items():
        layer, part, _ = name.partition(".lora_A.weight")
        if not part:
            continue
        up, alpha = weights.get(f"{layer}.lora_B.weight"), weights.get(f"{layer}.alpha")
        if up is None or not layer.startswith(NETWORK) or down.ndim != 2:
            raise ModelError(f"lora={lora.id}: {layer} is no pair of matrices for a transformer")
        scale = 1.0 if alpha is None else float(alpha) / down.shape[0]
        found[layer.removeprefix(NETWORK)] = scale * (up.float() @ down.float())
    if not found:
        raise ModelError(f"lora={lora.id}: changes nothing in this model's network; it was made for another")
    return found


def named(present: Sequence[Addition]) -> str:
    """Names LoRAs by content, for what depends on them."""
    return "".join(f"/{addition.lora.sha256}:{addition.weight:g}" for addition in present)

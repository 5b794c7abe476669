"""The network that says how well a clip and a prompt go together: what it learns from, and what it tells."""

import pytest
import torch
from torch import Tensor
from transformers import T5Tokenizer

from training.captions import Scene
from training.image_text import WIDTH, ImageText, contrast, match, telling_the_same
from training.optimiser import for_module

COLOURS = ("red", "blue", "green", "white", "black", "pink", "yellow", "purple")
PROMPTS = [f"a cat moves left on a {colour} background" for colour in COLOURS]
SCENES = [Scene("cat", "left", colour) for colour in COLOURS]


def patterns(noise: float) -> Tensor:
    """Latents of eight kinds of clips, with a little noise."""
    torch.manual_seed(1)
    kinds = torch.randn(len(COLOURS), 16, 5, 8, 8)
    torch.manual_seed(int(noise * 1000))
    return kinds + noise * torch.randn_like(kinds)


@pytest.fixture(scope="module")
def taught(tokenizer: T5Tokenizer) -> ImageText:
    net = ImageText(tokenizer, {"left"})
    optimiser = for_module(net, 0.02, 0.1)
    for step in range(25):
        contrast(net(patterns(0.3 + step / 1000), PROMPTS), telling_the_same(SCENES)).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return net.eval()


def test_clips_find_their_prompts_and_shuffled_ones_are_not_found(taught: ImageText, tokenizer: T5Tokenizer) -> None:
    """Beside an untrained network, which finds hardly any."""
    told = match(taught, patterns(0.5), PROMPTS)
    assert told["found"] == 1
    assert told["found, shuffled"] == 0
    assert told["match"] > told["match, shuffled"] + 0.3
    assert match(ImageText(tokenizer, ()).eval(), patterns(0.5), PROMPTS)["found"] < 0.6


def test_vectors_have_length_one_and_padding_means_nothing(taught: ImageText) -> None:
    with torch.no_grad():
        seen, read = taught.look(patterns(0.3)), taught.read(PROMPTS)
        together = taught.read(
            [PROMPTS[0], "a cat moves left in front of a very blue background, static camera, fixed"]
        )
    assert seen.shape == read.shape == (len(COLOURS), WIDTH)
    torch.testing.assert_close(seen.norm(dim=-1), torch.ones(len(COLOURS)))
    torch.testing.assert_close(together[0], read[0], atol=1e-4, rtol=1e-4)


def test_only_the_first_frames_are_looked_at(taught: ImageText) -> None:
    latents = patterns(0.3)
    with torch.no_grad():
        longer = taught.look(torch.cat([latents, torch.randn(8, 16, 2, 8, 8)], dim=2))
        torch.testing.assert_close(longer, taught.look(latents))


def test_a_caption_that_another_clip_shares_is_no_wrong_answer() -> None:
    twins = [SCENES[0], SCENES[0], SCENES[1]]
    logits = torch.tensor([[9.0, 9.0, 0.0], [9.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
    assert contrast(logits, telling_the_same(twins)) < 0.01
    assert contrast(logits, torch.eye(3, dtype=torch.bool)) > 0.3

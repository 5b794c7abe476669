"""Training is no installed package: it runs from the folder `models`, and so do its tests."""

import sys
from pathlib import Path

import pytest
from transformers import T5Tokenizer

sys.path.insert(0, str(Path(__file__).parents[3] / "models"))


@pytest.fixture(scope="session")
def tokenizer() -> T5Tokenizer:
    """The captions' own, which takes seconds to build. Not to be changed."""
    from training.tokenizer import build_tokenizer

    return build_tokenizer()

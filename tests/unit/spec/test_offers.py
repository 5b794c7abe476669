"""What a model does not take is refused by name, from its rules alone."""

import pytest

from vidgen.errors import SpecError
from vidgen.spec import ImageToVideo, MediaRef, resolve
from vidgen_models.registry import ModelRegistry

RULES = ModelRegistry().get("sprites-64").rules
PICTURE = MediaRef(upload_id="upl_a")


@pytest.mark.parametrize(
    ("offers", "fields", "field"),
    [
        ({"prompt": False}, {"prompt": "a cat"}, "prompt"),
        ({"negative_prompt": False}, {"negative_prompt": "blur"}, "negative_prompt"),
        ({"last_image": "no"}, {"last_image": PICTURE}, "last_image"),
        ({"last_image": "required"}, {}, "last_image"),
        ({"options": ("noise_aug_strength",)}, {"advanced": {"motion_bucket_id": 5}}, "advanced.motion_bucket_id"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_what_a_model_does_not_take_is_refused_by_name(offers, fields, field):
    """Fails when the check is left out of `resolve`: tried."""
    rules = RULES.model_copy(update=offers)
    with pytest.raises(SpecError) as caught:
        resolve(ImageToVideo(image=PICTURE, **fields), rules)
    assert caught.value.field == field
    assert caught.value.message.startswith(f"{field}: sprites-64 ")
    willing = RULES.model_copy(update={"options": ("motion_bucket_id",)})
    resolve(ImageToVideo(image=PICTURE, **fields), willing)

"""What a folder says of itself holds for it; what is no rules is refused by the name of the field."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vidgen.errors import ModelError
from vidgen.families.description import Description, Further
from vidgen.families.folder import ModelFolder
from vidgen.families.own_rules import FILE, described
from vidgen.families.wan_vace import WanVace
from vidgen_models.registry import ModelRegistry

LONG = {"modes": ["chain"], "max_frames": 101, "window": 20, "overlap": 8, "overlap_min": 4, "overlap_max": 12}


@pytest.fixture(scope="module")
def said() -> Description:
    """What the shipped weights' folder is found to be by its configurations alone."""
    return WanVace.describe(ModelFolder(ModelRegistry().get("sprites-64").path))


def told(folder: Path, content: object) -> Path:
    (folder / FILE).write_text(json.dumps(content))
    return folder


def test_a_folder_that_says_nothing_has_its_familys_rules(tmp_path: Path, said: Description) -> None:
    assert described(tmp_path, said) == said


def test_what_a_folder_says_takes_the_place_of_the_familys(tmp_path: Path, said: Description) -> None:
    sides = {"min": 128, "max": 128, "multiple": 16, "default_width": 128, "default_height": 128}
    found = described(told(tmp_path, {"text_length": 32, "rules": {"sides": sides}}), said)
    assert found.text_length == 32
    assert found.rules.sides.default_width == 128
    assert found.rules.model_copy(update={"sides": said.rules.sides}) == said.rules


def test_all_that_our_own_recipe_writes_is_taken(tmp_path: Path, said: Description) -> None:
    """The shipped model's rules, which the family's own do not reach. Fails when only the latter may be said: tried."""
    rules = ModelRegistry().get("sprites-64").rules
    content = {"text_length": 32, "rules": rules.model_dump(mode="json")}
    assert described(told(tmp_path, content), said).rules == rules


def test_what_a_folder_leaves_out_is_the_familys_at_any_depth(tmp_path: Path, said: Description) -> None:
    """Fails when what is told of conditioning takes the place of all of it: tried."""
    content = {"rules": {"conditioning": {"controls": ["canny", "pose"]}, "steps": {"default": 9}}}
    found = described(told(tmp_path, content), said)
    assert found.text_length == said.text_length
    assert (found.rules.steps.default, found.rules.steps.max) == (9, said.rules.steps.max)
    wanted = said.rules.conditioning.model_copy(update={"controls": ("canny", "pose")})
    assert found.rules.conditioning == wanted
    assert (wanted.mask, wanted.ends, wanted.references) == (True, True, 3)
    assert described(told(tmp_path, {}), said) == said


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"fps": 0}, "rules.fps: must be at least 1; nearest: 1"),
        ({"colour": "red"}, "rules.colour: this field is not known"),
        ({"step": {"default": 4}}, "rules.step: this field is not known; nearest is steps"),
        ({"conditioning": {"masks": True}}, "rules.conditioning.masks: this field is not known; nearest is mask"),
        ({"steps": 4}, "rules.steps: give an object"),
        ({"steps": {"default": "4"}}, "rules.steps.default: give a whole number"),
        ({"fps": True}, "rules.fps: give a whole number"),
        ({"tasks": "text-to-video"}, "rules.tasks: give a list"),
        ({"tasks": []}, "rules.tasks=[]: give one at least, of text-to-video"),
        ({"tasks": ["sing"]}, "rules.tasks.0=sing: the family has text-to-video, image-to-video"),
        ({"tasks": ["text2video"]}, "nearest: text-to-video"),
        ({"options": ["eta"]}, "rules.options.0=eta: the family has sampler"),
        ({"steps": {"min": 1, "max": 4, "default": 9}}, "rules.steps.default=9: from 1 to 4; nearest: 4"),
        ({"steps": {"min": 9, "max": 4}}, "rules.steps.max=4: at least min, 9; nearest: 9"),
        ({"guidance": {"default": 11.5}}, "rules.guidance.default=11.5: from 1 to 10; nearest: 10"),
        ({"distilled": True}, "rules.guidance.max=10.0: at most 1, a distilled model takes no guidance; nearest: 1"),
        ({"frames": {"default": 18}}, "rules.frames.default=18: 5 to 81 by 4; nearest: 17 and 21"),
        ({"frames": {"step": 2}}, "rules.frames.step=2: its family's code decides it; nearest: 4"),
        ({"frames": {"min": 6}}, "rules.frames.min=6: 5 and steps of 4 more; nearest: 5 and 9"),
        ({"sides": {"multiple": 10}}, "rules.sides.multiple=10: a multiple of 16; nearest: 16"),
        ({"sides": {"default_width": 100}}, "rules.sides.default_width=100: 16 to 1920 by 16; nearest: 96"),
        ({"last_image": "sometimes"}, "rules.last_image: choose one of no, optional, required"),
        ({"sound": True}, "rules.sound=true: the family cannot do it; nearest: false"),
        ({"restyle": "instruction"}, "rules.restyle=instruction: its family's code decides it; nearest: strength"),
        ({"loras": ["mine"]}, "rules.loras=…: is filled in by what is installed"),
        ({"conditioning": {"camera": "loras"}}, "rules.conditioning.camera=loras: the family has another way"),
        ({"conditioning": {"controls": ["face"]}}, "rules.conditioning.controls.0=face: the family has depth"),
        ({"conditioning": {"references": 4}}, "rules.conditioning.references=4: at most 3"),
        (
            {"conditioning": {"camera_axes": ["pan"], "camera_words": {"zoom-in": "closer"}}},
            "camera_words.zoom-in=zoom-in: its camera_axes give pan-left, pan-right",
        ),
        (
            {"conditioning": {"camera_speeds": {"pan-left": 0}}},
            "camera_speeds.pan-left=0.0: more than 0 and at most 10",
        ),
        ({"long": {"modes": ["native"]}}, "rules.long.max_frames: must be given"),
        ({"long": {**LONG, "modes": ["native"]}}, "rules.long.modes.0=native: the family has chain, co_denoise"),
        ({"long": {**LONG, "overlap_max": 20}}, "rules.long.overlap_max=20: at most 16, less than the window"),
        ({"long": {**LONG, "window": 18}}, "rules.long.window=18: a multiple of 4; nearest: 16"),
    ],
    ids=str,
)
def test_what_is_no_rule_or_beyond_the_family_is_refused(
    tmp_path: Path, said: Description, rules: object, named: str
) -> None:
    """Fails when fields are taken unchecked, and when claims are not set beside the family's: tried."""
    with pytest.raises(ModelError) as caught:
        described(told(tmp_path, {"rules": rules}), said)
    assert caught.value.message.startswith(f"{FILE}: rules.")
    assert named in caught.value.message


def test_regions_that_no_adapter_blends_are_refused(tmp_path: Path, said: Description) -> None:
    """Control: the same claim where the family blends them. Fails when switches are not compared: tried."""
    plain = replace(said, rules=said.rules.model_copy(update={"regions": False}), further=Further())
    folder = told(tmp_path, {"rules": {"regions": True, "keyframes": True}})
    assert described(folder, said).rules.regions
    with pytest.raises(ModelError, match=r"rules\.regions=true: the family cannot do it; nearest: false"):
        described(folder, plain)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[1, 2]", "expected an object of text_length and rules"),
        ("{", "not read as JSON"),
        ('{"rules": {"guidance": {"max": NaN}}}', "NaN is no number"),
        ('{"text_length": -4}', "text_length: must be at least 1; nearest: 1"),
        ('{"text_length": "32"}', "text_length: give a whole number"),
        ('{"text_length": [3]}', "text_length: give a whole number"),
        ('{"text_length": 4000}', "text_length=4000: at most 512"),
        ('{"rules": [3]}', "rules: give an object"),
        ('{"rule": {}}', "rule: this field is not known; nearest is rules"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_words(
    tmp_path: Path, said: Description, content: str, named: str
) -> None:
    """Fails when the file is taken as it is read: tried, which told of unsupported operand types."""
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ModelError) as caught:
        described(tmp_path, said)
    assert caught.value.message.startswith(f"{FILE}: ")
    assert named in caught.value.message
    assert "Error(" not in caught.value.message

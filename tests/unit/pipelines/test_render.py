"""`render` leaves a clip, a poster, a sprite sheet and a receipt, or nothing at all."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from tests import tiny_estimators
from vidgen.errors import Cancelled, ModelError
from vidgen.families.estimator_folder import estimator_in
from vidgen.media.probe import probe
from vidgen.media.reader import read_frames_pyav
from vidgen.media.recall import recall
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency, render
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, Control, MediaRef, TextToVideo, resolve
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf


@pytest.fixture
def spec(tiny_registry):
    return resolve(TextToVideo(model="tiny", prompt="a red cat", seed=3), tiny_registry.get("tiny").rules)


def test_the_files_of_a_clip(tiny_registry, spec, tmp_path):
    result = render(spec, RunContext(), tmp_path, Residency(tiny_registry))
    names = ["poster.jpg", "receipt.json", "sprite_sheet.jpg", "video.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert (result.video.num_frames, result.video.width, result.video.fps) == (9, 32, 8.0)
    info = probe(result.video.path)
    assert (info.num_frames, float(info.fps), info.codec) == (9, 8.0, "h264")
    with Image.open(tmp_path / "poster.jpg") as poster:
        first = read_frames_pyav(result.video.path, [0])[0]
        assert np.abs(np.asarray(poster).astype(int) - first).mean() < 12
    with Image.open(tmp_path / "sprite_sheet.jpg") as sheet:
        (facts,) = [file for file in result.files if file.kind == "sprite_sheet"]
        assert sheet.size == (facts.width, facts.height) == (3 * 32, 3 * 32)
        assert facts.num_frames == 9
        last = read_frames_pyav(result.video.path, [8])[0]
        assert np.abs(np.asarray(sheet)[64:, 64:].astype(int) - last).mean() < 12


def test_the_receipt_and_the_file_both_hold_the_spec(tiny_registry, spec, tmp_path):
    result = render(spec, RunContext(), tmp_path, Residency(tiny_registry))
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert JOB_SPEC.validate_python(receipt["spec"]) == spec
    assert recall(result.video.path).spec == spec
    assert receipt["model"]["files"]
    assert receipt["frames"]["count"] == 9


def test_the_same_spec_gives_the_same_receipt_and_file(tiny_registry, spec, tmp_path):
    digests = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        render(spec, RunContext(), tmp_path / name, Residency(tiny_registry))
        files = [(tmp_path / name / file).read_bytes() for file in ("receipt.json", "video.mp4")]
        digests.append([hashlib.sha256(content).hexdigest() for content in files])
    assert digests[0] == digests[1]


def test_a_cancelled_run_leaves_no_clip(tiny_registry, spec, tmp_path):
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        render(spec, RunContext(cancelled=lambda: next(calls) > 3), tmp_path, Residency(tiny_registry))
    assert not list(tmp_path.glob("*.mp4"))


def test_a_changed_weight_file_is_refused_before_it_is_read(tiny_manifests, spec, tmp_path):
    from vidgen_models.registry import ModelRegistry

    text = (tiny_manifests / "tiny.toml").read_text()
    first_digest = next(iter(ModelRegistry(tiny_manifests).get("tiny").files.values()))
    (tmp_path / "tiny.toml").write_text(text.replace(first_digest, "0" * 64))
    with pytest.raises(ModelError, match="sha256 differs"):
        render(spec, RunContext(), tmp_path, Residency(ModelRegistry(tmp_path)))


def test_a_control_drawn_with_a_network_is_followed_measured_and_in_the_receipt(tiny_manifests, spec, tmp_path):
    """Control: the same job without it. Fails when the meter has no drawers: tried."""
    clip = tmp_path / "clip.mp4"
    write_video([np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3), dtype=np.uint8)], clip, fps=8)
    estimator = estimator_in(tiny_estimators.dpt(tmp_path / "seer"))
    Shelf(tmp_path / "shelf").put_estimator(estimator)
    registry = ModelRegistry(tiny_manifests, tmp_path / "shelf")
    control = Control(kind="depth", video=MediaRef(upload_id="upl_clip"))
    led = resolve(spec.model_copy(update={"controls": (control,)}), registry.get("tiny").rules)
    (tmp_path / "led").mkdir()
    (tmp_path / "free").mkdir()
    render(led, RunContext(media={"upl_clip": clip}), tmp_path / "led", Residency(registry))
    render(spec, RunContext(), tmp_path / "free", Residency(registry))
    receipt, free = (json.loads((tmp_path / name / "receipt.json").read_text()) for name in ("led", "free"))
    (used,) = receipt["estimators"]
    assert (used["kind"], used["id"], used["sha256"]) == ("depth", "seer", estimator.sha256)
    assert "estimators" not in free
    assert receipt["frames"]["sha256"] != free["frames"]["sha256"]
    (measured,) = receipt["conditioning"]["controls"]
    assert -1 <= measured["measured"] <= 1

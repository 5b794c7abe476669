"""What the families that follow controls, poses and pictures refuse, and that a control counts for its share alone."""

import numpy as np
import pytest
import torch
from diffusers import AnimateDiffControlNetPipeline, AnimateDiffPipeline, WanAnimatePipeline
from hypothesis import assume, example, given
from hypothesis import strategies as st
from PIL import Image

from tests import tiny_estimators
from tests.tiny_families import animatediff, cogvideox, lucy_edit, wan, wan_animate
from tests.unit.families.conftest import CANNY, FACE, POSE, distance
from vidgen.errors import ModelError, SpecError
from vidgen.families.control_networks import following
from vidgen.families.diffusers_model import pictures
from vidgen.families.estimator_folder import estimator_in
from vidgen.families.installation import Wishes, manifest_for
from vidgen.families.sparse_control import scribbled
from vidgen.media.source import read_clip
from vidgen.motion.controls.draw import drawn
from vidgen.motion.controls.scribble import scribble
from vidgen.pipelines import whole_clip
from vidgen.pipelines.estimation import drawers_of
from vidgen.runtime.context import RunContext
from vidgen.spec import Progress, Stage
from vidgen.stages.clip_model import ControlClip
from vidgen_models.shelf import Shelf

CASES = {case.name: case for family in (animatediff, cogvideox, lucy_edit, wan_animate) for case in family.CASES}


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        (
            "animatediff-controlnet",
            {"controls": [CANNY | {"kind": "depth"}]},
            "not trained to follow it; it takes canny",
        ),
        ("animatediff-controlnet", {"controls": [CANNY, CANNY]}, "takes 1; nearest is 1"),
        ("animatediff-controlnets", {"controls": [CANNY, CANNY]}, r"controls\.1\.kind=canny: .* one of each"),
        ("animatediff-t2v", {"controls": [CANNY]}, "takes none; leave it out"),
        ("cogvideox-fun-control", {"controls": []}, "follows one, of canny, depth, pose, soft-edge; give it"),
        ("cogvideox-fun-control", {"controls": [CANNY | {"weight": 0.5}]}, "leave weight, start and end out"),
        ("wan-animate", {"controls": [POSE]}, "needs one of each kind; face is missing"),
        ("wan-animate", {"controls": [POSE, POSE]}, "face is missing"),
        ("animatediff-sparsectrl", {"num_frames": 40}, "nearest is 32"),
        ("wan-animate", {"references": [{"image": {"upload_id": "upl_other"}}]}, "image shows who it is"),
        ("wan-animate-replace", {"mask": None}, "say where the person is who is replaced"),
        ("wan-animate-replace", {"references": []}, "give the picture of who comes in their place"),
        ("wan-animate-replace", {"outpaint": {"left": 0.5}}, "replaced within the frame; leave it out"),
        ("wan-animate-replace", {"strength": 0.5}, "replaces what lies under the mask; leave it out"),
        ("lucy-edit", {"strength": 0.5}, "follows an instruction; leave it out"),
        ("lucy-edit", {"prompt": " "}, "say what to change"),
    ],
)
def test_what_a_family_cannot_follow_is_refused_by_name(name, changes, told, tiny_of):
    with pytest.raises(SpecError, match=told):
        tiny_of(CASES[name]).spec(**changes)


def test_a_pose_cannot_be_drawn_from_a_clip_and_a_short_control_is_not_lengthened(tiny_of):
    """Fails when what is missing is made up: tried."""
    tiny = tiny_of(CASES["wan-animate"])
    with pytest.raises(SpecError, match="no network that draws face is installed"):
        tiny.frames(controls=[POSE, FACE | {"drawn": False}])
    with pytest.raises(SpecError, match=r"controls\.0\.video: the clip holds 72 frames"):
        tiny.frames(num_frames=77)


def test_a_pose_and_a_face_are_drawn_from_the_users_own_clip_once_a_network_is_there(tiny_of, tmp_path, monkeypatch):
    """The pipeline gets what the network sees of the clip. Fails when drawers do not reach controls: tried."""
    tiny = tiny_of(CASES["wan-animate"])
    estimator, asked = estimator_in(tiny_estimators.vitpose(tmp_path / "pose")), []
    model = tiny.residency.model("tiny-family")
    generate = model.generate
    monkeypatch.setattr(model, "generate", lambda request, told: asked.append(request) or generate(request, told))
    given = tiny.frames()
    Shelf(tiny.manifests).put_estimator(estimator)
    try:
        assert tiny.manifest.rules.conditioning.estimated == ("pose", "face")
        drawers = drawers_of(tiny.residency)
        own = [control | {"drawn": False} for control in (POSE, FACE)]
        made = tiny.frames(RunContext(media=tiny.media, drawers=drawers), controls=own)
    finally:
        Shelf(tiny.manifests).forget_estimator(estimator.id)
    clip = read_clip(tiny.media["upl_clip"], num_frames=len(made), fps=tiny.spec().fps, width=32, height=32)
    for control in asked[-1].controls:
        assert (control.frames == np.stack(list(drawers[control.kind]().drawn(clip, 0.0)))).all()
    assert distance(made, given) > 0


def test_what_a_control_network_follows_is_said_when_it_is_added(tmp_path):
    folder = animatediff.build(tmp_path / "model", control="whole")
    every = manifest_for(folder, Wishes(model_id="every")).rules.conditioning.controls
    assert {"canny", "depth", "pose"} < set(every)
    assert manifest_for(folder, Wishes(model_id="one", controls=("depth",))).rules.conditioning.controls == ("depth",)
    with pytest.raises(ModelError, match="control=face: such a folder follows canny"):
        manifest_for(folder, Wishes(model_id="none", controls=("face",)))


def test_the_control_that_the_network_gets_is_the_one_drawn(tiny_of):
    """Our frames against one call of diffusers' pipeline on edges drawn here. Fails when the weight is lost: tried."""
    tiny = tiny_of(CASES["animatediff-controlnet"])
    spec, model = tiny.spec(controls=[CANNY | {"weight": 0.7, "end": 0.6}]), tiny.residency.model("tiny-family")
    clip = read_clip(tiny.media["upl_clip"], num_frames=6, fps=8, width=32, height=32)
    edges = [Image.fromarray(frame) for frame in drawn("canny", clip)]
    with torch.inference_mode():
        pipeline = AnimateDiffControlNetPipeline(**model.parts, scheduler=model._make_scheduler(None))
        theirs = pipeline(
            spec.prompt,
            negative_prompt="",
            num_frames=6,
            width=32,
            height=32,
            num_inference_steps=spec.num_inference_steps,
            guidance_scale=spec.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(spec.seed),
            conditioning_frames=edges,
            controlnet_conditioning_scale=0.7,
            control_guidance_end=1.0,  # of two steps the second begins before 0.6
            output_type="np",
        ).frames[0]
    ours = tiny.frames(controls=[CANNY | {"weight": 0.7, "end": 0.6}])
    assert np.abs(theirs * 255 - ours).max() < 1.01
    assert distance(ours, tiny.frames(controls=[CANNY | {"end": 0.6}])) > 0


@pytest.mark.parametrize("restyle", [False, True], ids=["text", "clip"])
def test_a_share_narrower_than_a_step_acts_at_the_step_that_lies_in_it(restyle, tiny_of):
    """As on every other family: of four steps the second one begins at a quarter. Control: a weight of nothing, and a
    share of another step. Fails when the pipeline's own rule stays, by which none acts: tried."""
    tiny, steps = tiny_of(CASES["animatediff-controlnet"]), {"num_inference_steps": 4}
    if restyle:
        steps |= {"task": "video-to-video", "video": {"upload_id": "upl_clip"}, "strength": 1.0}

    def frames(**control: float) -> np.ndarray:
        return tiny.frames(**steps, controls=[CANNY | control])

    narrow, none = frames(start=0.2, end=0.3), frames(weight=0.0)
    assert distance(narrow, none) > 0
    assert (narrow == frames(start=0.25, end=0.5)).all()
    assert distance(narrow, frames(start=0.5, end=0.75)) > 0


def acting(start: float, end: float, steps: int) -> list[int]:
    """Steps at which diffusers' pipelines ask a control network that is told a share of a run."""
    control = ControlClip("canny", np.zeros((1, 8, 8, 3), np.uint8), 1.0, start, end)
    _, told = following([None], ["canny"], [control], steps)
    begin, last = told["control_guidance_start"], told["control_guidance_end"]
    return [step for step in range(steps) if not (step / steps < begin or (step + 1) / steps > last)]


def test_a_share_that_ends_where_a_step_begins_leaves_that_step_out() -> None:
    """Every such share of up to 60 steps. Fails when the last step is the product of both rounded up, of which
    0.28 * 25 gives one too many: tried."""
    for steps in range(1, 61):
        assert [len(acting(0, n / steps, steps)) for n in range(1, steps + 1)] == list(range(1, steps + 1))


SHARES = st.integers(0, 100).map(lambda n: n / 100) | st.floats(0, 1)


@given(st.integers(1, 60), SHARES, SHARES)
@example(25, 0.0, 0.28)
def test_a_control_acts_at_the_very_steps_that_begin_in_its_share(steps: int, start: float, end: float) -> None:
    """Any share. Fails as the one before: tried."""
    wanted = [step for step in range(steps) if start <= step / steps < end]
    assume(wanted)  # the others are refused
    assert acting(start, end, steps) == wanted


def test_each_of_two_control_networks_follows_the_kind_it_was_added_for(tiny_of):
    """With only the second one's kind the first is not asked, and the order in a job is free.

    Fails when networks are taken in the job's order: tried.
    """
    tiny = tiny_of(CASES["animatediff-controlnets"])
    canny, gray = tiny.case.fields["controls"]
    both = tiny.frames()
    assert (both == tiny.frames(controls=[gray, canny])).all()
    alone = tiny.frames(controls=[gray])
    assert distance(alone, tiny.frames(controls=[canny])) > 0
    # a weight of nothing takes a network out of the sum
    assert distance(alone, tiny.frames(controls=[gray, canny | {"weight": 0.0}])) < 0.1


def test_several_control_networks_are_added_with_a_kind_for_each(tmp_path):
    folder = animatediff.build(tmp_path / "model", control="two")
    with pytest.raises(ModelError, match="holds 2 control networks; say what each follows"):
        manifest_for(folder, Wishes(model_id="two", controls=("canny",)))
    rules = manifest_for(folder, Wishes(model_id="two", controls=("depth", "pose"))).rules.conditioning
    assert (rules.controls, rules.controls_at_once) == (("depth", "pose"), 2)
    for file in (folder / "controlnet_1").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(ModelError, match="controlnet_1: no weights as safetensors"):
        manifest_for(folder, Wishes(model_id="two", controls=("depth", "pose")))


def test_a_network_of_scribbles_is_given_contours_of_pictures_and_drawings_as_they_are():
    """Fails when a drawing is drawn once more, which doubles its strokes: tried."""
    picture = np.full((1, 64, 64, 3), 90, np.uint8)
    picture[0, 16:48, 16:48] = (230, 120, 40)
    drawing = np.asarray(scribbled(picture))
    assert (drawing == scribble(picture)[0]).all()
    assert (np.asarray(scribbled(drawing[None])) == drawing).all()
    assert not (scribble(drawing[None])[0] == drawing).all()


def test_a_person_is_replaced_under_the_mask_and_nothing_around_it_changes(tiny_of):
    """Under the mask the frames are the library's. Fails when the mask is turned around: tried."""
    tiny = tiny_of(CASES["wan-animate-replace"])
    spec, model, made = tiny.spec(), tiny.residency.model("tiny-family"), tiny.frames()
    source = read_clip(tiny.media["upl_clip"], num_frames=9, fps=spec.fps, width=32, height=32)
    under = np.zeros((32, 32), bool)
    under[8:, 8:] = True
    assert (made[:, ~under] == source[:, ~under]).all()
    assert distance(made[:, under], source[:, under]) > 5
    given = {control.kind: control.frames for control in whole_clip._controls(spec, RunContext(media=tiny.media))}
    with torch.inference_mode():
        theirs = WanAnimatePipeline(**model.parts, scheduler=model._make_scheduler(None))(
            image=Image.open(tiny.media["upl_image"]).convert("RGB"),
            prompt=spec.prompt,
            pose_video=pictures(given["pose"]),
            face_video=[frame.resize((16, 16)) for frame in pictures(given["face"])],
            background_video=pictures(source),
            mask_video=[Image.fromarray(np.uint8(255) * under)] * 9,
            mode="replace",
            width=32,
            height=32,
            segment_frame_length=9,
            num_inference_steps=spec.num_inference_steps,
            guidance_scale=spec.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(spec.seed),
            max_sequence_length=16,
            output_type="np",
        ).frames[0]
    assert np.abs(theirs * 255 - made)[:, under].max() < 1.01


def test_a_network_that_has_no_place_for_a_source_edits_nothing(tmp_path):
    folder = wan.build(tmp_path / "model", small=True)
    index = (folder / "model_index.json").read_text()
    (folder / "model_index.json").write_text(index.replace("WanPipeline", "LucyEditPipeline"))
    with pytest.raises(ModelError, match="4 channels; an edit needs 8, noise and source"):
        manifest_for(folder, Wishes(model_id="edit"))


def test_a_clip_of_several_segments_goes_on_from_segment_to_segment(tiny_of):
    """Two segments of Wan Animate: every frame is made once, and steps are counted through.

    Fails when the second segment's steps are counted from the beginning: tried.
    """
    tiny = tiny_of(CASES["wan-animate"])
    still = [control | {"video": {"upload_id": "upl_image"}} for control in (POSE, FACE)]
    seen: list[Progress] = []
    ctx = RunContext(media=tiny.media, report=seen.append)
    frames = tiny.frames(ctx, num_frames=81, controls=still, num_inference_steps=1)
    assert [(p.step, p.total_steps) for p in seen if p.stage is Stage.DENOISING] == [(1, 2), (2, 2)]
    assert frames.shape == (81, 32, 32, 3)
    first = tiny.frames(num_frames=77, controls=still, num_inference_steps=1)
    assert (first == frames[:77]).all()


def test_a_reference_is_seen_as_the_library_sees_it_and_leaves_nothing_behind(tiny_of):
    """Against diffusers' pipeline that reads the adapter's file itself. Fails when an adapter stays in: tried."""
    tiny = tiny_of(CASES["animatediff-ip-adapter"])
    plain, ours = tiny.frames(references=[]), tiny.frames()
    assert (plain == tiny.frames(references=[])).all()
    spec, model = tiny.spec(), tiny.residency.model("tiny-family")
    pipeline = AnimateDiffPipeline(
        **{name: part for name, part in model.parts.items() if name != "controlnet"},
        scheduler=model._make_scheduler(None),
    )
    pipeline.load_ip_adapter(tiny.manifest.path, subfolder="ip_adapter", weight_name="ip-adapter_sd15.safetensors")
    with torch.inference_mode():
        theirs = pipeline(
            spec.prompt,
            negative_prompt="",
            num_frames=6,
            width=32,
            height=32,
            num_inference_steps=spec.num_inference_steps,
            guidance_scale=spec.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(spec.seed),
            ip_adapter_image=Image.open(tiny.media["upl_image"]).convert("RGB"),
            output_type="np",
        ).frames[0]
    assert np.abs(theirs * 255 - ours).max() < 1.01
    assert (plain == tiny.frames(references=[])).all()
    with pytest.raises(SpecError, match="2 pictures; tiny-family takes 1"):
        tiny.spec(references=[{"image": {"upload_id": name}} for name in ("upl_image", "upl_other")])


def test_an_adapter_that_cannot_be_used_is_refused_when_it_is_added(tmp_path):
    folder = animatediff.build(tmp_path / "model", looks=True)
    (folder / "ip_adapter" / "other.safetensors").write_bytes(
        (folder / "ip_adapter" / "ip-adapter_sd15.safetensors").read_bytes()
    )
    with pytest.raises(ModelError, match="one adapter at a time"):
        manifest_for(folder, Wishes(model_id="two"))

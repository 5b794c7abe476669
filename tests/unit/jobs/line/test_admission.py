"""What fits where, and what is said when it does not."""

import pytest

from tests.jobs_fixtures import make_spec
from vidgen.errors import SpecError
from vidgen.jobs.line.admission import admit, fits, memory_need, out_of_memory_advice, tier_for
from vidgen.jobs.views import Capacity
from vidgen.spec import MemoryTier
from vidgen_models.registry import Manifest, MemoryRow, ModelRegistry

MEGABYTE = 1 << 20


def manifest(*rows: MemoryRow) -> Manifest:
    """The shipped model's rules with larger sides and another memory table."""
    shipped = ModelRegistry().get("sprites-64")
    sides = shipped.rules.sides.model_copy(update={"min": 32, "max": 256})
    return shipped.model_copy(update={"memory": rows, "rules": shipped.rules.model_copy(update={"sides": sides})})


def row(device: str, tier: str, base_mb: float, slope: float) -> MemoryRow:
    return MemoryRow.model_validate(
        {"device": device, "tier": tier, "base_mb": base_mb, "bytes_per_pixel_frame": slope}
    )


# 64×64 has 4096 pixels: at this slope each frame takes 4 MB whole and 1 MB sparing
TABLE = (row("cpu", "full", 100, 1024), row("cpu", "low", 100, 256))


def test_the_need_grows_with_the_clip() -> None:
    need = memory_need(make_spec(num_frames=25), manifest(*TABLE))
    assert need == {"cpu": {"full": 200, "low": 125}}


def test_a_table_without_a_lower_tier_needs_as_much_there() -> None:
    assert memory_need(make_spec(), manifest(row("cuda", "full", 10, 0))) == {"cuda": {"full": 10, "low": 10}}


def test_the_shipped_model_has_a_table_whose_lower_tier_needs_less() -> None:
    need = memory_need(make_spec(num_frames=25), ModelRegistry().get("sprites-64"))
    assert 400 < need["cpu"]["low"] < need["cpu"]["full"] < 1000


@pytest.mark.parametrize(
    ("capacity", "fitting", "tier"),
    [
        (Capacity("cpu", 200), True, MemoryTier.FULL),
        (Capacity("cpu", 199), True, MemoryTier.LOW),
        (Capacity("cpu", 124), False, MemoryTier.LOW),
        (Capacity("cpu", None), True, MemoryTier.FULL),
        (Capacity("cuda", 1), True, MemoryTier.FULL),  # no row says what it takes there
    ],
)
def test_where_it_fits_and_at_which_tier(capacity: Capacity, fitting: bool, tier: MemoryTier) -> None:
    need = memory_need(make_spec(num_frames=25), manifest(*TABLE))
    assert fits(need, capacity) is fitting
    assert tier_for(need, MemoryTier.FULL, capacity) is tier
    assert tier_for(need, MemoryTier.LOW, capacity) is MemoryTier.LOW


def test_a_job_that_fits_no_worker_is_refused_with_the_nearest_that_does() -> None:
    """Fails when `admit` returns without looking at the workers: tried."""
    with pytest.raises(SpecError) as caught:
        admit(make_spec(num_frames=25), manifest(*TABLE), [Capacity("cpu", 90), Capacity("cpu", 117)])
    assert (caught.value.code, caught.value.field, caught.value.nearest) == ("does_not_fit", "num_frames", (17,))
    assert (
        "needs 125 MB, and the largest worker has 117 MB; 17 frames of 64×64 fit (about 117 MB)" in caught.value.message
    )


def test_a_job_that_fits_one_of_the_workers_is_taken() -> None:
    workers = [Capacity("cpu", 90), Capacity("cpu", 130)]
    assert admit(make_spec(num_frames=25), manifest(*TABLE), workers)["cpu"]["low"] == 125
    assert admit(make_spec(num_frames=25), manifest(*TABLE), [])
    assert admit(make_spec(num_frames=25), manifest(), [Capacity("cpu", 1)]) == {}


def test_where_no_length_fits_a_smaller_size_is_named() -> None:
    spec = make_spec(width=256, height=128, num_frames=5)
    with pytest.raises(SpecError, match="5 frames of 208×96 fit") as caught:
        admit(spec, manifest(*TABLE), [Capacity("cpu", 130)])
    assert caught.value.nearest == ()
    with pytest.raises(SpecError, match="no size of this model fits"):
        admit(spec, manifest(*TABLE), [Capacity("cpu", 100)])


def test_the_advice_after_running_out_of_memory_is_smaller_than_what_failed() -> None:
    advice = out_of_memory_advice(make_spec(num_frames=25), manifest(*TABLE), Capacity("cpu", 1000))
    assert "1000 MB" in advice
    assert "125 MB were expected" in advice
    assert "21 frames of 64×64 fit" in advice
    unknown = out_of_memory_advice(make_spec(num_frames=25), manifest(), Capacity("cuda", 1000))
    assert "ask for fewer frames" in unknown

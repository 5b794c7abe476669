"""Every step of every sampler against the formula of its paper, or against diffusers' scheduler set up by hand.

The network is the perfect one of a Gaussian (test_samplers.py), so that steps are those of a real run.
"""

import math
from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from tests.unit.models.test_samplers import diffusion, perfect
from vidgen.components.prediction import denoised
from vidgen.families.estimate import level_of
from vidgen.spec.advanced import AdvancedFields
from vidgen_models.samplers import scheduler_maker

# of the library: schedulers that turn tensors into numpy arrays
pytestmark = pytest.mark.filterwarnings("ignore:__array_(wrap)?_:DeprecationWarning")

STEPS = 6
FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}
PREDICTIONS = ["epsilon", "sample", "v_prediction"]
Made = list[tuple[Tensor, Tensor, Tensor]]
"""By step: where it began, the clip that the network saw in it, and where it ended."""


def steps(config: dict, advanced: AdvancedFields, **named) -> tuple[Made, Any]:
    """A run from fixed noise, and its scheduler. Noise is drawn from seed 1."""
    scheduler = scheduler_maker(config)(advanced)
    scheduler.set_timesteps(STEPS)
    return _run(scheduler, **named), scheduler


def _run(scheduler, **named) -> Made:
    start = torch.Generator().manual_seed(0)
    x = torch.randn(2, 50, generator=start, dtype=torch.float64) * getattr(scheduler, "init_noise_sigma", 1.0)
    if named.pop("noisy", False):
        named["generator"] = torch.Generator().manual_seed(1)
    made = []
    for t in scheduler.timesteps:
        level = level_of(scheduler, t)
        seen = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        output = perfect(seen, level)
        clean = denoised(x, output, level)
        after = scheduler.step(output, t, x, **named, return_dict=False)[0].double()
        made.append((x, clean, after))
        x = after
    return made


def noises(count: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """What a sampler that draws once a step draws."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, 50, generator=generator, dtype=dtype).double() for _ in range(count)]


def check(made: Made, expected: Callable[[int, Tensor, Tensor], Tensor], tolerance: float = 2e-4) -> None:
    for n, (x, clean, after) in enumerate(made):
        wanted = expected(n, x, clean)
        assert torch.allclose(after, wanted, atol=tolerance * float(wanted.abs().max())), n


def alphas(scheduler) -> tuple[list[float], list[float]]:
    """ᾱ at every step of a run and after it."""
    cumulative = scheduler.alphas_cumprod.double()
    now = [float(cumulative[int(t)]) for t in scheduler.timesteps]
    stride = scheduler.config.num_train_timesteps // STEPS
    last = [int(t) - stride for t in scheduler.timesteps]
    final = float(getattr(scheduler, "final_alpha_cumprod", 1.0))
    return now, [float(cumulative[t]) if t >= 0 else final for t in last]


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(prediction, eta):
    """Song et al. 2020 (arXiv:2010.02502), equations 12 and 16. Fails when eta never reaches the step: tried."""
    made, scheduler = steps(diffusion(prediction), AdvancedFields(sampler="ddim"), eta=eta, noisy=True)
    (now, after), drawn = alphas(scheduler), noises(STEPS)

    def expected(n: int, x: Tensor, clean: Tensor) -> Tensor:
        a, b = now[n], after[n]
        noise = (x - a**0.5 * clean) / (1 - a) ** 0.5
        sigma = eta * ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5
        return b**0.5 * clean + (1 - b - sigma**2) ** 0.5 * noise + sigma * drawn[n]

    check(made, expected, 2e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_ddpm(prediction):
    """Ho et al. 2020 (arXiv:2006.11239), equation 7, over the steps that are left out."""
    made, scheduler = steps(diffusion(prediction), AdvancedFields(sampler="ddpm"), noisy=True)
    (now, after), drawn = alphas(scheduler), noises(STEPS)

    def expected(n: int, x: Tensor, clean: Tensor) -> Tensor:
        a, b = now[n], after[n]
        beta = 1 - a / b
        mean = b**0.5 * beta / (1 - a) * clean + (a / b) ** 0.5 * (1 - b) / (1 - a) * x
        spread = ((1 - b) / (1 - a) * beta) ** 0.5
        return mean + (spread * drawn[n] if int(scheduler.timesteps[n]) > 0 and n < STEPS - 1 else 0 * x)

    check(made[:-1], expected, 2e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_euler(prediction):
    """Karras et al. 2022 (arXiv:2206.00364), algorithm 1 without its corrections."""
    made, scheduler = steps(diffusion(prediction), AdvancedFields(sampler="euler"))
    sigmas = scheduler.sigmas.double()
    check(made, lambda n, x, clean: x + (x - clean) / sigmas[n] * (sigmas[n + 1] - sigmas[n]))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_euler_ancestral(prediction):
    """A step down to σ_down, and noise back up to the next level: σ_up² = σ'²(σ² - σ'²)/σ²."""
    made, scheduler = steps(diffusion(prediction), AdvancedFields(sampler="euler-ancestral"), noisy=True)
    sigmas, drawn = scheduler.sigmas.double(), noises(STEPS)

    def expected(n: int, x: Tensor, clean: Tensor) -> Tensor:
        now, after = sigmas[n], sigmas[n + 1]
        up = (after**2 * (now**2 - after**2) / now**2).sqrt()
        down = (after**2 - up**2).sqrt()
        return x + (x - clean) / now * (down - now) + up * drawn[n]

    check(made, expected)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_dpmpp_2s_ancestral(prediction):
    """Lu et al. 2022 (arXiv:2211.01095), algorithm 1 with its middle at half of λ, down to σ_down, and noise back up.

    Fails when the second half goes on from the middle point: tried.
    """
    made, scheduler = steps(diffusion(prediction), AdvancedFields(sampler="dpmpp-2s-ancestral"), noisy=True)
    levels = scheduler.sigmas[::2].double().tolist()
    drawn = noises(STEPS)
    for n, now in enumerate(levels[: STEPS - 1]):
        (x, clean, middle), (_, between, after) = made[2 * n], made[2 * n + 1]
        then = levels[n + 1]
        up = (then**2 * (now**2 - then**2) / now**2) ** 0.5
        h = math.log(now / (then**2 - up**2) ** 0.5)
        assert torch.allclose(middle, math.exp(-h / 2) * x - math.expm1(-h / 2) * clean, atol=3e-3)
        assert torch.allclose(after, math.exp(-h) * x - math.expm1(-h) * between + up * drawn[n], atol=3e-3)


@pytest.mark.parametrize("config", [diffusion("epsilon"), FLOW], ids=["noise", "flow"])
def test_heun(config):
    """Karras et al. 2022, algorithm 1: every second evaluation corrects the step before by the mean of both slopes."""
    made, scheduler = steps(config, AdvancedFields(sampler="heun"))
    sigmas = scheduler.sigmas.double()
    for n in range(0, len(made) - 1, 2):
        (x, clean, guess), (also, later, after) = made[n], made[n + 1]
        now, then = sigmas[n], sigmas[n + 1]
        first = (x - clean) / now
        assert torch.allclose(guess, x + (then - now) * first, atol=1e-3)
        assert torch.equal(also, guess)
        second = (guess - later) / then
        assert torch.allclose(after, x + (then - now) * (first + second) / 2, atol=1e-3)


def half_logs(scheduler) -> list[tuple[float, float, float]]:
    """α, σ and λ = log(α/σ) of a solver's levels, which are given as σ/α, or as the flow's σ."""
    found = []
    for level in scheduler.sigmas.double().tolist():
        if scheduler.config.use_flow_sigmas:
            alpha, sigma = 1 - level, level
        else:
            alpha = 1 / (1 + level**2) ** 0.5
            sigma = level * alpha
        found.append((alpha, sigma, math.log(alpha / sigma) if alpha > 0 and sigma > 0 else math.inf))
    return found


@pytest.mark.parametrize("config", [diffusion("epsilon"), diffusion("sample"), diffusion("v_prediction"), FLOW])
@pytest.mark.parametrize("noisy", [False, True], ids=["2m", "2m-sde"])
def test_dpmpp_2m(config, noisy):
    """Lu et al. 2022 (arXiv:2211.01095), algorithm 2, and its stochastic form; first order at both ends.

    Fails when a solver is made with another algorithm: tried.
    """
    made, scheduler = steps(config, AdvancedFields(sampler="dpmpp-2m-sde" if noisy else "dpmpp-2m"), noisy=noisy)
    levels, drawn = half_logs(scheduler), noises(STEPS, torch.float32)
    for n, (x, clean, after) in list(enumerate(made))[1:-1]:
        (_, sigma, log), (alpha, then, later) = levels[n], levels[n + 1]
        h, slope = later - log, 0 * x
        if math.isfinite(levels[n - 1][2]):
            slope = h / (log - levels[n - 1][2]) / 2 * (clean - made[n - 1][1])
        if noisy:
            fall = -math.expm1(-2 * h)
            spread = then * math.sqrt(fall) * drawn[n]
            wanted = then / sigma * math.exp(-h) * x + alpha * fall * (clean + slope) + spread
        else:
            wanted = then / sigma * x - alpha * math.expm1(-h) * (clean + slope)
        assert torch.allclose(after, wanted, atol=3e-3), n


def test_flow_euler():
    """A straight line (Liu et al. 2022, arXiv:2209.03003): x + (σ' - σ)·v."""
    made, scheduler = steps(FLOW, AdvancedFields(sampler="euler"))
    sigmas = scheduler.sigmas.double()
    check(made, lambda n, x, clean: x + (sigmas[n + 1] - sigmas[n]) * (x - clean) / sigmas[n])


def test_lcm():
    """Luo et al. 2023 (arXiv:2310.04378): the network's clip, nearly alone, with fresh noise for the next level."""
    made, scheduler = steps(diffusion("epsilon"), AdvancedFields(sampler="lcm"), noisy=True)
    drawn, cumulative = noises(STEPS), scheduler.alphas_cumprod.double()
    for n, (x, clean, after) in enumerate(made):
        t = float(scheduler.timesteps[n]) * scheduler.config.timestep_scaling
        skip, out = 0.25 / (t**2 + 0.25), t / (t**2 + 0.25) ** 0.5
        wanted = out * clean + skip * x
        if n < len(made) - 1:
            then = cumulative[int(scheduler.timesteps[n + 1])]
            wanted = then.sqrt() * wanted + (1 - then).sqrt() * drawn[n]
        assert torch.allclose(after, wanted, atol=2e-3), n


BY_HAND = {
    "lms": lambda betas: diffusers.LMSDiscreteScheduler(**betas),
    "dpmpp-2s": lambda betas: diffusers.DPMSolverSinglestepScheduler(**betas, lower_order_final=True),
    "dpmpp-sde": lambda betas: diffusers.DPMSolverSinglestepScheduler(
        **betas, algorithm_type="sde-dpmsolver++", lower_order_final=True
    ),
    "unipc": lambda betas: diffusers.UniPCMultistepScheduler(**betas),
}


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("sampler", sorted(BY_HAND))
def test_the_others_are_diffusers_own(sampler, prediction):
    """Their steps take several of the steps before into account, and are compared with the library's."""
    noisy = sampler == "dpmpp-sde"
    made, _ = steps(diffusion(prediction), AdvancedFields(sampler=sampler), noisy=noisy)
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": prediction}
    theirs = BY_HAND[sampler](betas)
    theirs.set_timesteps(STEPS)
    for (_, _, ours), (_, _, wanted) in zip(made, _run(theirs, noisy=noisy), strict=True):
        assert torch.equal(ours, wanted)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", lambda t: 0.00085 + (0.012 - 0.00085) * t / 999),
        ("scaled_linear", lambda t: (0.00085**0.5 + (0.012**0.5 - 0.00085**0.5) * t / 999) ** 2),
        ("squaredcos_cap_v2", lambda t: min(1 - _cosine(t + 1) / _cosine(t), 0.999)),
    ],
)
def test_the_trainings_betas(schedule, expected):
    """Linear (Ho et al. 2020), linear in the square root (Rombach et al. 2021), cosine (arXiv:2102.09672, eq. 17)."""
    scheduler = scheduler_maker(diffusion("epsilon", schedule))(AdvancedFields(sampler="ddim"))
    for t in (0, 1, 400, 999):
        assert float(scheduler.betas[t]) == pytest.approx(expected(t), rel=1e-3)


def _cosine(t: int) -> float:
    return math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2


def test_exponential_levels_are_even_in_their_logarithm():
    scheduler = scheduler_maker(diffusion("epsilon"))(AdvancedFields(sampler="euler", schedule="exponential"))
    scheduler.set_timesteps(10)
    logs = scheduler.sigmas[:10].double().log()
    assert torch.allclose(logs.diff(), logs.diff().mean().expand(9), rtol=1e-3)


@pytest.mark.parametrize("tokens", [256, 1024, 4096])
def test_a_shift_that_grows_with_the_size_is_kept(tokens):
    """σ' = e^μ / (e^μ + 1/σ - 1), μ growing evenly with the number of tokens (Esser et al. 2024, arXiv:2403.03206).

    Families that have it (LTX) give μ to the scheduler.
    """
    config = {**FLOW, "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
    scheduler = scheduler_maker(config)(None)
    mu = 0.5 + (1.15 - 0.5) * (tokens - 256) / (4096 - 256)
    scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25], mu=mu)
    wanted = [math.exp(mu) / (math.exp(mu) + 1 / sigma - 1) for sigma in (1.0, 0.75, 0.5, 0.25)]
    assert scheduler.sigmas[:4].tolist() == pytest.approx(wanted, rel=1e-5)

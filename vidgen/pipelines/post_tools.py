"""What the steps of post-processing need from outside, out of a run's context."""

from vidgen.pipelines.residency import Residency
from vidgen.post.chain import Tools
from vidgen.runtime.context import RunContext
from vidgen_models.networks import networks_beside


def tools_of(ctx: RunContext, residency: Residency) -> Tools:
    """Media by reference, and the networks installed beside the models."""
    networks = networks_beside(residency.registry)
    return Tools(media=ctx.media, networks=networks, device=residency.device, drawers=ctx.drawers)

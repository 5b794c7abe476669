"""What the steps of post-processing need from outside, out of a run's context."""

from vidgen.post.chain import Tools
from vidgen.runtime.context import RunContext


def tools_of(ctx: RunContext) -> Tools:
    """Media by reference."""
    return Tools(media=ctx.media)

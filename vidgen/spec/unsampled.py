"""What jobs that sample nothing share: those who list, forecast and show jobs ask every one of them the same."""

from vidgen.spec.base import SpecModel


class Unsampled(SpecModel):
    """No model denoises a clip in such a job."""

    negative_prompt = property(lambda _self: "")
    num_inference_steps = guidance_scale = strength = property(lambda _self: None)
    segments = property(lambda _self: ())
    long = property(lambda _self: None)
    chunked = property(lambda _self: False)
    frames_in_memory = property(lambda _self: 0)

"""What the composer calls the spec's fields and choices, in the language of the request."""

from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.languages import mark

LABELS = {
    "advanced.sampler": mark("Sampler"),
    "advanced.schedule": mark("Noise schedule"),
    "advanced.shift": mark("Shift towards noise"),
    "advanced.eta": mark("Eta"),
    "advanced.guidance_rescale": mark("Rescale guidance"),
    "advanced.guidance_from": mark("Guidance from (share of steps)"),
    "advanced.guidance_until": mark("Guidance until (share of steps)"),
    "advanced.expert": mark("Guidance outside of the model's band"),
    "advanced.motion_bucket_id": mark("Amount of motion (1 to 255)"),
    "advanced.noise_aug_strength": mark("Noise on the first picture"),
    "long.overlap": mark("Frames carried over"),
    "long.anchor": mark("Hold colours to the beginning"),
    "long.condition_noise": mark("Noise on what is carried over"),
    "long.rerolls": mark("Attempts at joints that show"),
    "post.interpolate": mark("Smoother motion"),
    "post.interpolate.factor": mark("Times the rate"),
    "post.interpolate.fps": mark("or frames a second"),
    "post.upscale": mark("Larger frames"),
    "post.upscale.factor": mark("Times the size"),
    "post.normalise-colour": mark("Balanced colours"),
    "post.normalise-colour.strength": mark("Strength"),
    "post.tone-map": mark("Light and contrast"),
    "post.tone-map.curve": mark("Curve"),
    "post.tone-map.exposure": mark("Exposure in stops"),
    "post.tone-map.white": mark("White at"),
    "post.remove-background": mark("Without background"),
    "post.remove-background.colour": mark("Its colour (found when empty)"),
    "post.remove-background.tolerance": mark("Tolerance"),
    "post.remove-background.softness": mark("Softness"),
    "post.remove-background.holes": mark("Also within the subject"),
    "post.remove-background.replace": mark("New colour (transparent when empty)"),
    "post.sharpen": mark("Sharper"),
    "post.sharpen.amount": mark("Amount"),
    "post.sharpen.radius": mark("Radius in pixels"),
    "post.watermark": mark("Watermark"),
    "post.watermark.text": mark("Text"),
    "post.watermark.position": mark("Place"),
    "post.watermark.opacity": mark("Opacity"),
    "post.watermark.size": mark("Height (share of the frame)"),
    "output.format": mark("Format"),
    "output.codec": mark("Codec"),
    "output.quality": mark("Quality"),
    "output.audio": mark("Sound"),
}
CHOICES = {
    "draft": mark("draft"),
    "standard": mark("standard"),
    "high": mark("high"),
    "lossless": mark("lossless"),
    "keep": mark("keep"),
    "drop": mark("leave out"),
    "png": mark("PNG pictures in a zip"),
    "webp": mark("WebP (animated)"),
    "gif": "GIF",
    "mp4": "MP4",
    "webm": "WebM",
    "prores": "ProRes (MOV)",
    "top-left": mark("top left"),
    "top-right": mark("top right"),
    "bottom-left": mark("bottom left"),
    "bottom-right": mark("bottom right"),
    "center": mark("centre"),
}


def label(name: str) -> str:
    """What a field is called; one that is not known here by the last part of its name."""
    return _(LABELS[name]) if name in LABELS else name.rpartition(".")[2].replace("_", " ").capitalize()


def choice_label(name: str, value: str) -> str:
    """What a choice of the field is called; values that are names themselves, as those of codecs, stay as they are."""
    return _(CHOICES[value]) if value in CHOICES and not name.endswith(".codec") else value

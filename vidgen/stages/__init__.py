"""The steps of a recipe, one a module: text, conditioning, latents, denoising, decoding."""

"""`vidgen enhance`: a prompt as a model is likely to follow it best."""

import click

from vidgen.cli.errors import errors_as_text


@click.command()
@click.argument("prompt")
@click.option("--model", default="sprites-64", show_default=True, help="A model of `vidgen models`.")
@errors_as_text
def enhance(prompt: str, model: str) -> None:
    """Print PROMPT fuller and clearer, in words that the model knows; what was changed goes to stderr.

    With VIDGEN_ENHANCER_URL a language model is asked; without it nothing is sent anywhere.
    """
    from vidgen.jobs.prompts import better_prompt
    from vidgen.jobs.settings import load_settings
    from vidgen_models.registry import ModelRegistry

    settings = load_settings()
    made = better_prompt(settings, prompt, ModelRegistry(*settings.manifest_folders).get(model))
    for line in (*made.changes, *([made.warning] if made.warning else [])):
        click.echo(line, err=True)
    click.echo(made.prompt)

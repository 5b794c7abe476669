"""`python -m vidgen.cli`: how processes of the service start each other."""

from vidgen.cli.command import main

main(prog_name="vidgen")

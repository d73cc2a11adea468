"""The commands: `python -m scripts` lists them, `python -m scripts.<name> --help` explains one."""

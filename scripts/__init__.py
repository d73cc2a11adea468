"""One-off commands around the service: `python -m scripts.<name> --help` says what each does."""

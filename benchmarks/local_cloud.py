"""The local cloud, for benchmarks that talk to a deployed service: none of them reaches AWS."""

import os

from service.stack import Cloud, require_loopback
from service.terminal import UserError


class LocalCloud(Cloud):
    """A Cloud all of whose clients talk to this machine alone. Any other ends the benchmark."""

    def __init__(self):
        _require_loopback(os.environ.get("AWS_ENDPOINT_URL"))
        super().__init__()

    def client(self, service: str, connections: int = 10):
        """Return a client; `connections` is how many threads will use it at once."""
        client = super().client(service, connections)
        # What boto3 made of every variable and file: more than AWS_ENDPOINT_URL decides it.
        _require_loopback(client.meta.endpoint_url)
        return client


def _require_loopback(address: str | None) -> None:
    try:
        require_loopback(address)
    except UserError as error:
        raise SystemExit(f"error: {error}") from None

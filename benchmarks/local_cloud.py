"""The local cloud, for benchmarks that talk to a deployed service: none of them reaches AWS."""

from local.environment import NotLocalError, require_loopback
from scripts.cloud import Cloud


class LocalCloud(Cloud):
    """A Cloud all of whose clients talk to this machine alone. Any other ends the benchmark."""

    def client(self, service: str, connections: int = 10):
        """Return a client; `connections` is how many threads will use it at once."""
        client = super().client(service, connections)
        try:
            # What boto3 made of every variable and file: more than AWS_ENDPOINT_URL decides it.
            require_loopback(client.meta.endpoint_url)
        except NotLocalError as error:
            raise SystemExit(f"error: {error}") from None
        return client

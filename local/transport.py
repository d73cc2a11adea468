"""The transport of a request, as policies see it.

On AWS a bucket policy that denies requests without TLS (`aws:SecureTransport`) turns away none of
the service's own, since all go over TLS. The local cloud speaks plain HTTP, so that the very same
policy would deny every role everything. It listens on the loopback interface alone: what goes over
that leaves the machine no more than what goes over TLS can be read on its way, and counts as such.
"""

from collections.abc import Callable

from ministack import app

from local import seams


def install() -> None:
    """Count requests over the loopback interface as secure."""
    seams.replace(app, "pin_request_origin", pin_origin)


def pin_origin(original: Callable, source_ip: str, secure_transport: bool) -> None:
    """Note where the request comes from, for the conditions of policies."""
    original(source_ip, True)

"""Errors of a request. The name of the class is the `error` in the answer."""


class RequestError(Exception):
    """A request that cannot be answered; `status` is the answer's HTTP status."""

    status = 400


class InvalidImage(RequestError):  # noqa: N818 - the name is part of the contract
    """The body is no PNG of the model's size, or a broken one."""


class InvalidArray(RequestError):  # noqa: N818
    """The body is no npy array of the stated type and shape."""


class NotAcceptable(RequestError):  # noqa: N818
    """The caller accepts none of the answer's types."""

    status = 406


class RequestTooLarge(RequestError):  # noqa: N818
    """The body has more bytes than a request may have."""

    status = 413


class UnsupportedMediaType(RequestError):  # noqa: N818
    """The endpoint does not take bodies of this type."""

    status = 415

"""What can be wrong with a request. The class's name is the `error` that the caller reads."""


class RequestError(Exception):
    """A request that cannot be answered as it stands; `status` is its HTTP status."""

    status = 400


class InvalidImage(RequestError):  # noqa: N818 - the name is part of the contract
    """The body is no PNG of the model's size, or a broken one."""


class InvalidArray(RequestError):  # noqa: N818
    """The body is no npy array of the stated type and shape."""


class NotAcceptable(RequestError):  # noqa: N818
    """The caller accepts none of the types that the endpoint answers in."""

    status = 406


class RequestTooLarge(RequestError):  # noqa: N818
    """The body has more bytes than a request may have."""

    status = 413


class UnsupportedMediaType(RequestError):  # noqa: N818
    """The body is of a type that the endpoint does not take."""

    status = 415

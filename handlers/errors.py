"""The named errors of the functions.

Lambda reports an exception by the name of its class, which a Retry or Catch can match.
"""
# ruff: noqa: N801, N818 - the class names are the contract with the state machine.


class HandlerError(Exception):
    """An expected failure; the message says in one sentence what is wrong."""


class InvalidInput(HandlerError):
    """The event is not what the function takes."""


class BucketNotAllowed(HandlerError):
    """The bucket is neither the service's own nor one that configuration names."""


class ImageNotFound(HandlerError):
    """There is no such object."""


class ImageTooLarge(HandlerError):
    """The photo has more bytes or pixels than configuration allows."""


class InvalidImage(HandlerError):
    """The object is no image of a format in handlers/photo.FORMATS, or pixels are missing."""


class EndpointNotFound(HandlerError):
    """There is no such endpoint."""


class AccessDenied(HandlerError):
    """The function's role may not do this."""


class InvalidModelResponse(HandlerError):
    """The endpoint refused the image, or its answer has another form than expected."""


class StorageUnavailable(HandlerError):
    """S3 is throttling, failing or out of reach; another try may help."""


class BatchOutOfTime(HandlerError):
    """The photos before this one took all the time that a batch has."""


class EndpointThrottled(HandlerError):
    """The endpoint has too many requests; another try may help."""


class EndpointUnavailable(HandlerError):
    """The endpoint is failing or out of reach; another try may help."""


class EndpointTimeout(HandlerError):
    """The endpoint did not answer in time; another try may help."""


class THRESHOLD_CONFIDENCE_NOT_MET(HandlerError):
    """The model is less sure than the threshold asks: a person should look."""

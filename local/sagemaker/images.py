"""Which container images this machine can stand in for, and with what command.

AWS pulls an image and runs it. There is no Docker here: the local cloud knows the images that
local.yml names and runs what is in them under its own Python. Any other image is refused.
"""

import re
import sys

from local import settings
from local.sagemaker import registry
from local.sagemaker.errors import validation_exception
from local.sagemaker.records import Scope

_IMAGE = re.compile(
    r"(?P<uri>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+))(?::(?P<tag>[^@:]+)|@(?P<digest>.+))?"
)


def check_training_image(image: str, scope: Scope) -> None:
    """Raise ValidationException unless jobs with this image can run here."""
    found = _IMAGE.fullmatch(image)
    own = found and found["account"] == scope.account
    known = settings.read().training
    if not found or own or found["repository"] not in known:
        raise validation_exception(
            f"The local cloud cannot run the training image {image}. It knows AWS's PyTorch "
            f"training images (repository {' or '.join(known)})."
        )


def resolve_serving_image(image: str, scope: Scope) -> str:
    """The serving image by its digest, as endpoints describe it.

    Raises ValidationException for an image that the local cloud does not know, that the account's
    ECR does not hold, or that has a form which SageMaker refuses.
    """
    found = _IMAGE.fullmatch(image)
    own = found and (found["account"], found["region"]) == (scope.account, scope.region)
    if not own or not settings.read().serving_program(found["repository"]):
        raise validation_exception(
            f"The local cloud cannot run the serving image {image}. It knows this service's own: "
            f"{scope.account}.dkr.ecr.{scope.region}.amazonaws.com/"
            f"{' or '.join(settings.read().serving)}."
        )
    digest = registry.check(image, scope, found["repository"], found["tag"], found["digest"])
    return f"{found['uri']}@{digest}"


def serving_command(image: str) -> list[str]:
    """The command that serves a model of this image."""
    program = settings.read().serving_program(_IMAGE.fullmatch(image)["repository"])
    return [sys.executable, str(program)]

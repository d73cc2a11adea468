"""SageMaker for MiniStack, which lacks it: training jobs and endpoints that really run.

The API (api.py), training (training.py), hosting (hosting.py) and Data Capture (capture.py), as far
as this service uses them; and, of Application Auto Scaling, the record of how an endpoint is to
scale (scaling.py). Anything else is refused by name.
"""

from ministack import app
from ministack.core import router

from local.sagemaker import hosting, scaling, training
from local.sagemaker.api import Api


def install() -> None:
    """Add SageMaker to MiniStack."""
    sagemaker = hosting.OPERATIONS | training.OPERATIONS
    scales = "application-autoscaling", "Application Auto Scaling", "AnyScaleFrontendService."
    for api in (
        Api("sagemaker", "SageMaker", "SageMaker.", sagemaker),
        Api(*scales, scaling.OPERATIONS),
    ):
        # Without it MiniStack reads every service's model to find out whether there is this one.
        router.SERVICE_PATTERNS[api.service] = {"target_prefixes": [api.target]}
        app.SERVICE_HANDLERS[api.service] = api.handle

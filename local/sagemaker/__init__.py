"""SageMaker for MiniStack, which lacks it: training jobs and endpoints that really run.

The API (api.py), training (training.py), hosting (hosting.py) and Data Capture (capture.py), as far
as this service uses them; and, of Application Auto Scaling, the record of how an endpoint is to
scale (scaling.py). Anything else is refused by name.
"""

import shutil
from pathlib import Path

from ministack import app
from ministack.core import router

from local.sagemaker import images, operations, scaling
from local.sagemaker.api import Api, SageMakerApi
from local.sagemaker.hosting import Hosting
from local.sagemaker.records import Store
from local.sagemaker.roles import Roles
from local.sagemaker.training import Training


def install(gateway_url: str, home: Path) -> None:
    """Add SageMaker to MiniStack.

    `gateway_url` is where the local cloud answers: jobs and endpoints reach S3 and the logs there.
    Their folders are `home`/training and `home`/endpoints, which start empty.
    """
    for leftover in ("training", "endpoints"):
        shutil.rmtree(home / leftover, ignore_errors=True)
    images.install()
    store, roles = Store(), Roles(gateway_url)
    hosting = Hosting(store, roles, home)
    training = Training(store, roles, home)
    scaled = operations.table(scaling.Scaling(hosting, store))
    for api, target in (
        (SageMakerApi(operations.table(training, hosting), hosting), "SageMaker."),
        (Api(scaling.SERVICE, "Application Auto Scaling", scaling.TARGET, scaled), scaling.TARGET),
    ):
        # Without it MiniStack reads every service's model to find out whether there is this one.
        router.SERVICE_PATTERNS[api.service] = {"target_prefixes": [target]}
        app.SERVICE_HANDLERS[api.service] = api.handle

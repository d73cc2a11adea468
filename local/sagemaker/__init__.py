"""SageMaker for MiniStack, which lacks it: training jobs and endpoints that really run.

The API (api.py, operations.py), training (training.py), hosting (endpoints.py, serving.py,
invocation.py) and Data Capture (capture.py), as far as this service uses them; and, of Application
Auto Scaling, the record of what an endpoint's scaling is to be (scaling.py). Anything else is
refused by name.
"""

import shutil
from pathlib import Path

from ministack import app
from ministack.core import router

from local.sagemaker import registry
from local.sagemaker.api import Api
from local.sagemaker.hosting_operations import HostingOperations
from local.sagemaker.records import Store
from local.sagemaker.roles import Roles
from local.sagemaker.scaling import SERVICE as SCALING
from local.sagemaker.scaling import TARGET, ScalingApi
from local.sagemaker.training_operations import TrainingOperations


def install(gateway_url: str, home: Path) -> None:
    """Add SageMaker to MiniStack.

    `gateway_url` is where the local cloud answers: jobs and endpoints reach S3 and the logs there.
    Their folders are `home`/training and `home`/endpoints, which start empty.
    """
    for leftover in ("training", "endpoints"):
        shutil.rmtree(home / leftover, ignore_errors=True)
    # Else MiniStack reads every service's model to find out whether there is a SageMaker.
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."]}
    registry.install()
    store, roles = Store(), Roles(gateway_url)
    training = TrainingOperations(store, roles, home)
    hosting = HostingOperations(store, roles, home)
    app.SERVICE_HANDLERS["sagemaker"] = Api(training, hosting).handle
    router.SERVICE_PATTERNS[SCALING] = {"target_prefixes": [TARGET]}
    app.SERVICE_HANDLERS[SCALING] = ScalingApi(hosting, store).handle

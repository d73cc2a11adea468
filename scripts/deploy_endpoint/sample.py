"""One photo through the deployed function that asks the endpoint.

Functions and model are deployed apart: whether these functions read this model's answers is seen
here, before photos are classified with it.
"""

import base64
import json
import time

from handlers import errors
from handlers.photo import to_model_input
from service import config, datasets
from service.labelled_images import grey_picture
from service.stack import Cloud
from service.terminal import UserError, one_line, print_line

TRIES = 3
WAIT_SECONDS = 2
PASSING = {  # errors that the state machines retry too
    error.__name__
    for error in (errors.EndpointThrottled, errors.EndpointUnavailable, errors.EndpointTimeout)
}


def classify(cloud: Cloud, bucket: str, function: str) -> None:
    """Classify the sample and print the answer. UserError if the function raises an error."""
    image = config.load()["image"]
    name, png = choose(cloud.client("s3"), bucket, image["size"], image["max_pixels"])
    print_line("Sample", name)
    answer = call(cloud.client("lambda"), function, png)
    print_line("Answer", f"{answer['label']}, confidence {answer['confidence']:.4f}")


def choose(s3, bucket: str, size: int, max_pixels: int) -> tuple[str, bytes]:
    """Return a name and a PNG: of a test photo of the newest dataset, else of a grey picture."""
    _, photos = datasets.find_test_photos(s3, bucket, size)
    for key in photos.values():
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return f"s3://{bucket}/{key}", to_model_input(body, size, max_pixels)
    return f"a grey picture: {bucket} holds no test photo of {size} pixels", grey_picture(size)


def call(functions, function: str, png: bytes) -> dict:
    """Return what the function makes of a PNG. UserError for an error, unless a retry helps."""
    payload = json.dumps({"image_data": base64.b64encode(png).decode()})
    for left in reversed(range(TRIES)):
        answer = functions.invoke(FunctionName=function, Payload=payload)
        content = json.loads(answer["Payload"].read())
        if "FunctionError" not in answer:
            return content
        error = content.get("errorType", answer["FunctionError"])
        if error not in PASSING or not left:
            break
        time.sleep(WAIT_SECONDS)
    message = one_line(content.get("errorMessage", "no reason given"), 300)
    raise UserError(f"The function {function} cannot use this model: {error}: {message}")

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
    """Classify a test photo, else a grey picture, and print the answer. UserError for an error."""
    size, s3 = config.load()["image"]["size"], cloud.client("s3")
    _, photos = datasets.find_test_photos(s3, bucket, size)
    if key := next(iter(photos.values()), None):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        png = to_model_input(body, size, config.load()["image"]["max_pixels"])
        print_line("Sample", f"s3://{bucket}/{key}")
    else:
        png = grey_picture(size)
        print_line("Sample", f"a grey picture: {bucket} holds no test photo of {size} pixels")
    answer = call(cloud.client("lambda"), function, png)
    print_line("Answer", f"{answer['label']}, confidence {answer['confidence']:.4f}")


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

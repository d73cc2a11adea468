"""Classify photos from this machine or from S3, as the workflow would."""

import click

from handlers import aws, errors, outcomes
from handlers.answers import parse_answer
from handlers.photo import to_model_input
from service import config, options, photos, storage, terminal
from service.photos import Place
from service.stack import Cloud, find_stack
from service.terminal import UserError, one_line

PHOTOS_AT_ONCE = 8  # most take 150 MB while they are decoded, a WebP of 50 megapixels .8 GB


@terminal.command("predict", example="photo.jpg folder/ s3://bucket/photos/")
@options.stage
@click.argument("sources", nargs=-1, required=True, metavar="PHOTO...", type=options.parse_place)
def main(stage, sources):
    """Classify photos through the endpoint, prepared as the workflow prepares them.

    PHOTO is a photo or a folder of photos, here or in S3 (s3://bucket/photos/).
    """
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    s3 = cloud.client("s3", connections=storage.THREADS)
    runtime = cloud.client("sagemaker-runtime", connections=PHOTOS_AT_ONCE)
    settings = config.load()
    places = [photos.locate(s3, source) for source in sources]
    files = [file for place in places for file in photos.find_photos(s3, place)]

    def classify(photo: Place) -> tuple[str, dict]:
        try:
            data = photos.read(s3, photo, settings["image"]["max_bytes"])
            png = to_model_input(data, settings["image"]["size"], settings["image"]["max_pixels"])
            answer = parse_answer(aws.invoke_endpoint(runtime, stack.endpoint, png))
        except errors.EndpointNotFound as error:
            raise UserError(
                f"There is no endpoint {stack.endpoint}. Deploy one: "
                f"python -m scripts.deploy_endpoint{options.stage_hint(stage)}"
            ) from error
        except errors.HandlerError as error:
            reason = f"{type(error).__name__}: {one_line(str(error))}"
            return str(photo), {"status": outcomes.FAILED, "error": reason}
        status = outcomes.judge(answer.confidence, settings["threshold"])
        result = {"status": status, "label": answer.label, "confidence": answer.confidence}
        return str(photo), result

    results = storage.map_ahead(classify, files, PHOTOS_AT_ONCE)
    rows = list(terminal.track(results, "Predict", len(files), "photos"))
    terminal.show(terminal.results_table(rows))
    counts = outcomes.tally(result["status"] for _, result in rows)
    print(f"\n{len(rows)} photo{'s' * (len(rows) != 1)}: {terminal.format_counts(counts)}")
    if counts[outcomes.FAILED]:
        raise UserError(f"{counts[outcomes.FAILED]} of {len(rows)} failed: the table says why.")


if __name__ == "__main__":
    terminal.run(main)

"""Classify photos from this machine or from S3, as the workflow would."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from handlers import aws, errors, outcomes
from handlers.answers import parse_answer
from handlers.photo import SUFFIXES, is_named_as_photo, to_model_input
from service import config, storage, terminal
from service.stack import Cloud, find_stack

THREADS = 8
PHOTO_WIDTH = 60  # a longer name loses its beginning, which is the same for all of a folder


@dataclass(frozen=True)
class Row:
    """A photo's result: status is one of STATUSES; FAILED has an error, no label."""

    photo: str
    status: str
    label: str = ""
    confidence: float | None = None
    error: str = ""


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.predict`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    s3 = cloud.client("s3", connections=THREADS)
    runtime = cloud.client("sagemaker-runtime", connections=THREADS)
    photos = [photo for given in arguments.photos for photo in expand(s3, given)]

    def classify(photo: str) -> Row:
        settings = config.load()
        try:
            data = read(s3, photo, settings["image"]["max_bytes"])
            png = to_model_input(data, settings["image"]["size"], settings["image"]["max_pixels"])
            answer = parse_answer(aws.invoke_endpoint(runtime, stack.endpoint, png))
        except errors.EndpointNotFound as error:
            raise terminal.UserError(
                f"There is no endpoint {stack.endpoint}. Deploy one: "
                f"python -m scripts.deploy_endpoint --stage {arguments.stage}"
            ) from error
        except errors.HandlerError as error:
            return Row(
                photo,
                outcomes.FAILED,
                error=f"{type(error).__name__}: {terminal.one_line(str(error))}",
            )
        status = outcomes.judge(answer.confidence, settings["threshold"])
        return Row(photo, status, answer.label, answer.confidence)

    with ThreadPoolExecutor(THREADS) as pool:
        results = pool.map(classify, photos)
        try:
            rows = list(tqdm(results, "Predict", len(photos), unit="photo", disable=None))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print(render(rows))
    failed = sum(row.status == outcomes.FAILED for row in rows)
    if failed:
        raise terminal.UserError(f"{failed} of {len(rows)} failed: the table says why.")


def expand(s3, given: str) -> Iterable[str]:
    """Return the photos that an argument names: itself, or those in a folder or below a prefix.

    Raises UserError where a folder or a prefix holds no photos.
    """
    if given.startswith("s3://"):
        bucket, key = storage.split_uri(given)
        if key and not key.endswith("/"):
            return [given]
        keys = sorted(storage.listing(s3, bucket, key))
        found = [f"s3://{bucket}/{key}" for key in keys if is_named_as_photo(key)]
    elif Path(given).is_dir():
        files = sorted(path for path in Path(given).rglob("*") if path.is_file())
        found = [str(path) for path in files if is_named_as_photo(path.name)]
    else:
        return [given]
    if not found:
        raise terminal.UserError(f"There are no photos ({', '.join(SUFFIXES)}) in {given}.")
    return found


def read(s3, photo: str, max_bytes: int) -> bytes:
    """Return the photo's bytes. Raises the same errors for a file as for an object in S3."""
    if photo.startswith("s3://"):
        return aws.read_object(s3, *storage.split_uri(photo), max_bytes)
    try:
        size = Path(photo).stat().st_size
        if size > max_bytes:
            raise errors.ImageTooLarge(f"{size} bytes are more than {max_bytes}")
        return Path(photo).read_bytes()
    except FileNotFoundError as error:
        raise errors.ImageNotFound("there is no such file") from error
    except OSError as error:
        raise errors.InvalidInput(f"the file cannot be read: {error.strerror}") from error


def render(rows: list[Row]) -> str:
    """Return the table: a row a photo, and a line that counts them."""
    lines = [
        (
            row.photo if len(row.photo) <= PHOTO_WIDTH else f"…{row.photo[1 - PHOTO_WIDTH :]}",
            row.label,
            "" if row.confidence is None else f"{row.confidence:.4f}",
            f"{row.status}  {row.error}".rstrip(),
        )
        for row in rows
    ]
    total = terminal.format_counts(outcomes.tally(row.status for row in rows))
    return (
        terminal.render_table(("photo", "label", "confidence", "status"), lines, right=(2,))
        + f"\n\n{len(rows)} photo{'s' * (len(rows) != 1)}: {total}"
    )


def _parser():
    parser = terminal.parser(
        "predict",
        "Classify photos through the endpoint, prepared as the workflow prepares them.",
        "photo.jpg folder/ s3://bucket/prefix/",
    )
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a file, a folder, an S3 URI or prefix/"
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)

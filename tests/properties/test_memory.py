"""What is held in memory, whatever the size of a run or a text: measured in fresh processes."""

import subprocess
import sys

from service import config


def measured(script: str) -> tuple[int, int]:
    """The two numbers that the script prints: its greatest memory in KiB, of few and of many."""
    said = subprocess.check_output([sys.executable, "-c", script], cwd=config.ROOT, text=True)
    few, many = map(int, said.split())
    return few, many


MANIFEST = """
import resource
from scripts.bulk.manifest import Entry
from scripts.bulk.manifest import publish

class Sink:
    def head_object(self, Bucket, Key):
        return {}

def most(images):
    entries = (Entry("", f"photos/{n % (images - 9):060}.png") for n in range(images))
    made = publish(Sink(), "own", entries)
    assert (made.lines, made.submitted) == (images - 9, images)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(most(300), most(30_000))
"""


def test_a_manifest_takes_some_hundred_bytes_of_memory_a_photo():
    few, many = measured(MANIFEST)
    assert 1024 * (many - few) / 30_000 < 350


RESULTS = """
import json
import resource
from scripts.bulk.results import gather
from tests.unit.scripts.bulk.memory_states import BUCKET, STACK, MemoryCloud
from tests.unit.scripts.bulk.test_results import EXECUTION, ended, accepted

def most(images):
    cloud = ended(images, SUCCEEDED_0=[])

    def download(bucket, key, file):
        for n in range(images):
            name = f"photos/{n:0900}.png"
            file.write(json.dumps(accepted(name)).encode() + b"\\n")

    cloud.s3.download_fileobj = download
    assert gather(cloud, STACK, EXECUTION).statuses["accepted"] == images
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(most(100), most(11_000))
"""


def test_memory_does_not_grow_with_the_results():
    few, many = measured(RESULTS)
    assert many - few < 8 * 1024, "KiB; the keys alone are 10 MB"


PHOTOS = """
import resource
from handlers.photo import to_model_input
from tests.unit.handlers.test_image_files import png, text

def most(size):
    to_model_input(png(*[text(kind, size) for kind in (b"zTXt", b"iTXt", b"iCCP")]), 32, 10**6)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(most(100_000), most(100_000_000))
"""


def test_memory_does_not_grow_with_the_text_that_a_photo_inflates_to():
    few, many = measured(PHOTOS)
    assert many - few < 16 * 1024, "KiB; a profile of up to 4 MB is read"

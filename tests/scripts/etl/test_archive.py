import gzip
import hashlib
import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.etl import archive
from scripts.etl.archive import CIFAR10, CIFAR100, UnreachableError
from service.terminal import UserError
from tests.unit.scripts import archives

VEHICLES = ("bicycle", "motorcycle")
MOTORS = ("truck", "automobile")


def test_the_wanted_classes_rows_come_out_in_whatever_order_they_are_named(tmp_path):
    given = archives.content(per_class=10)
    path = archives.write(tmp_path / "c.tar.gz", dict(reversed(given.items())))
    source = CIFAR100.read(path, VEHICLES[::-1])
    assert source.name == "cifar100"
    assert source.classes == VEHICLES
    assert source.train.images.shape == (20, 32, 32, 3)
    assert source.train.labels.tolist() == [0] * 10 + [1] * 10
    assert source.train.names[0] == "bicycle_s_000010"
    assert len(source.test) == 4
    # A row has a plane a colour; an image has a colour triple a pixel.
    row = given["train"]["data"][10]
    assert (source.train.images[0, 0, 1] == row[[1, 1025, 2049]]).all()
    assert (source.train.images[0, 31, 0] == row[[992, 2016, 3040]]).all()


def test_cifar_10s_rows_come_out_of_all_batches_named_by_their_place_as_npms(tmp_path):
    given = archives.ten_content(per_batch=20)
    source = CIFAR10.read(archives.write_ten(tmp_path / "c.tar.gz", given), MOTORS)
    assert source.name == "cifar10"
    assert source.classes == ("automobile", "truck")
    assert source.train.images.shape == (20, 32, 32, 3)
    assert source.train.labels.tolist() == [0, 1] * 10
    assert len(source.test) == 4
    row = given["data_batch_2"]["data"][1]
    assert (source.train.images[4, 0, 1] == row[[1, 1025, 2049]]).all()
    assert source.train.names[:3].tolist() == ["train-00001", "train-00009", "train-00011"]
    assert source.test.names[0] == "test-00001"


@pytest.mark.parametrize("folder", ["./cifar-100-python/", "my/cifar-100-python/", "./", ""])
def test_an_archive_packed_again_is_read(tmp_path, folder):
    path = archives.write(tmp_path / "c.tar.gz", archives.content(), folder)
    assert archive.recognise(path) is CIFAR100
    assert CIFAR100.read(path, VEHICLES).classes == VEHICLES


def test_a_folder_is_answered_with_the_command_that_packs_it(tmp_path, monkeypatch):
    whole = archives.write_ten(tmp_path / "c.tar.gz")
    folder = tmp_path / "my data"
    with tarfile.open(whole) as tar:
        tar.extractall(folder, filter="data")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"is a folder.*: tar -czf .*my data") as raised:
        archive.check_file(folder)
    command = str(raised.value).partition("pack it: ")[2]
    subprocess.run(command, shell=True, check=True)
    packed = tmp_path / "cifar.tar.gz"
    assert archive.recognise(packed) is CIFAR10
    assert CIFAR10.read(packed, MOTORS).classes == ("automobile", "truck")


@pytest.mark.parametrize(
    "folder", ["other/", "../cifar-100-python/", "/cifar-100-python/", "a/../", "../", "/"]
)
def test_members_that_lie_elsewhere_are_passed_over_and_none_is_extracted(
    tmp_path, monkeypatch, folder
):
    inside = tmp_path / "in" / "side"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    path = archives.write(inside / "c.tar.gz", archives.content(), folder)
    with pytest.raises(UserError, match="it has no cifar-100-python/train"):
        CIFAR100.read(path, VEHICLES)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_a_link_is_not_followed(tmp_path):
    path = tmp_path / "c.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("cifar-100-python/train")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(UserError, match="it has no"):
        CIFAR100.read(path, VEHICLES)


def test_a_member_that_lies_in_it_twice_or_is_too_large_for_the_memory_is_refused(
    tmp_path, monkeypatch
):
    given = archives.content() | {"./train": archives.rows(3)}
    with pytest.raises(UserError, match="holds train twice"):
        CIFAR100.read(archives.write(tmp_path / "c.tar.gz", given), VEHICLES)
    monkeypatch.setattr(archive, "MEMBER_BYTES", 1000)
    with pytest.raises(UserError, match="it has no cifar-100-python/train"):
        CIFAR100.read(archives.write(tmp_path / "c.tar.gz", archives.content()), VEHICLES)


def spoiled(**changes) -> dict:
    given = archives.content()
    given["train"] |= changes
    return given


@pytest.mark.parametrize(
    "members",
    [
        {**archives.content(), "train": b"not a pickle"},
        {**archives.content(), "train": b"\x80\x02}U\x01acos\nsystem\n(U\x02lstRs."},
        {**archives.content(), "meta": ["a list"]},
        {**archives.content(), "meta": {"fine_label_names": ["../up", *archives.CLASSES[1:]]}},
        # No name may mean a class of either.
        {**archives.content(), "meta": {"fine_label_names": ["truck", *archives.CLASSES[1:]]}},
        {},
        archives.ten_content() | {"test_batch": {"data": np.zeros((2, 3072), np.uint8)}},
        archives.ten_content() | {"batches.meta": {"label_names": ["cat", "dog"]}},
        spoiled(data=np.zeros((3, 3072), np.uint8)),
        spoiled(data=[1, 2, 3]),
        spoiled(fine_labels=[0] * 39),
        spoiled(fine_labels=[100] * 40),
        spoiled(fine_labels=["bus"] * 40),
        spoiled(filenames=["../../escape.png"] * 40),
        spoiled(filenames=[7] * 40),
    ],
)
def test_an_archive_of_another_shape_is_one_line_that_names_it(tmp_path, members):
    kind, folder = (CIFAR10, "") if CIFAR10.meta in members else (CIFAR100, "cifar-100-python/")
    path = archives.write(tmp_path / "odd.tar.gz", members, folder)
    with pytest.raises(UserError, match=r"odd\.tar\.gz"):
        kind.read(path, VEHICLES)


def test_broken_bytes_are_one_line(tmp_path):
    whole = archives.write(tmp_path / "whole.tar.gz", archives.content()).read_bytes()
    broken = tmp_path / "broken.tar.gz"
    for data in (
        b"",
        gzip.compress(b"not a tar" * 99),
        whole[: len(whole) // 2],
        whole[: len(whole) // 2] + b"\0" * 99 + whole[len(whole) // 2 + 99 :],
    ):
        broken.write_bytes(data)
        assert archive.recognise(broken) is CIFAR100
        with pytest.raises(UserError, match=r"broken\.tar\.gz"):
            CIFAR100.read(broken, VEHICLES)


def test_a_class_without_rows_is_one_line_that_says_which_have_some(tmp_path):
    given = archives.content()
    given["test"] = archives.rows(2, labels=[1, 3])
    path = archives.write(tmp_path / "c.tar.gz", given)
    with pytest.raises(UserError, match=r"no test photos of bus\. It has: bicycle, motorcycle\."):
        CIFAR100.read(path, ("bus", "bicycle"))


def site(folder: Path, body: bytes) -> archive.Archive:
    """CIFAR-100's archive at a site of these bytes."""
    path = folder / "site" / CIFAR100.file_name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    return replace(CIFAR100, url=path.as_uri(), md5=hashlib.md5(body).hexdigest())


def test_a_download_with_a_wrong_md5_is_one_line_that_shows_both_and_leaves_nothing(tmp_path):
    wrong, official = hashlib.md5(b"something else").hexdigest(), site(tmp_path, b"something else")
    with pytest.raises(UserError, match=f"{wrong}, not {'0' * 32}"):
        replace(official, md5="0" * 32).download(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_download_that_breaks_or_never_begins_leaves_nothing(tmp_path, monkeypatch):
    def fetch(_url):
        yield b"half"
        raise UnreachableError("gone")

    with pytest.raises(UnreachableError):
        replace(CIFAR100, url="http://127.0.0.1:9/archive").download(tmp_path)
    monkeypatch.setattr(archive, "_fetch", fetch)
    with pytest.raises(UnreachableError):
        CIFAR100.download(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_download_is_kept_and_not_repeated(tmp_path):
    official = site(tmp_path, b"whole")
    path = official.download(tmp_path / "cache")
    assert path.read_bytes() == b"whole"
    site(tmp_path, b"another")
    assert official.download(tmp_path / "cache").read_bytes() == b"whole"


@pytest.mark.skipif(
    not os.environ.get("CIFAR_ARCHIVE"), reason="CIFAR_ARCHIVE names no real archive to read"
)
def test_the_real_archive_is_read():
    source = CIFAR100.read(Path(os.environ["CIFAR_ARCHIVE"]), VEHICLES)
    assert source.classes == VEHICLES
    for rows in (source.train, source.test):
        assert len(rows) >= 100
        assert set(rows.labels.tolist()) == {0, 1}
        # Photographs: neighbours resemble each other, which wrongly ordered planes would not.
        images = rows.images.astype(int)
        assert abs(np.diff(images, axis=2)).mean() < 20
        keys = set(zip(rows.labels.tolist(), rows.names.tolist(), strict=True))
        assert len(keys) == len(rows)

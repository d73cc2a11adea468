import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.etl import archive as etl_archive
from scripts.etl import cifar100
from service.terminal import UserError
from tests.unit.scripts import archives

VEHICLES = ("bicycle", "motorcycle")


def test_the_wanted_classes_rows_come_out(tmp_path):
    given = archives.content(per_class=10)
    source = cifar100.read(archives.write(tmp_path / "c.tar.gz", given), VEHICLES)
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


def test_the_order_of_the_classes_does_not_matter(tmp_path):
    path = archives.write(tmp_path / "c.tar.gz", archives.content())
    one, other = (cifar100.read(path, wanted) for wanted in (VEHICLES, VEHICLES[::-1]))
    assert one.classes == other.classes
    assert (one.train.labels == other.train.labels).all()


def test_the_order_of_the_members_does_not_matter(tmp_path):
    given = archives.content()
    backwards = dict(reversed(given.items()))
    source = cifar100.read(archives.write(tmp_path / "c.tar.gz", backwards), VEHICLES)
    assert len(source.train) == 20


def test_nothing_is_extracted_whatever_the_archive_holds(tmp_path, monkeypatch):
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    path = folder / "c.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name in ("../escaped", "/escaped", "cifar-100-python/../../escaped"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("cifar-100-python/train")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(UserError, match="it has no"):
        cifar100.read(path, VEHICLES)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_members_are_taken_by_their_exact_names(tmp_path):
    for folder in ("", "./cifar-100-python/", "other/cifar-100-python/", "../cifar-100-python/"):
        path = archives.write(tmp_path / "c.tar.gz", archives.content(), folder)
        with pytest.raises(UserError, match="it has no"):
            cifar100.read(path, VEHICLES)


def spoiled(**changes) -> dict:
    given = archives.content()
    given["train"] |= changes
    return given


@pytest.mark.parametrize(
    "members",
    [
        {**archives.content(), "train": b"not a pickle"},
        {**archives.content(), "train": b""},
        {**archives.content(), "train": b"\x80\x02}U\x01acos\nsystem\n(U\x02lstRs."},
        {**archives.content(), "meta": ["a list"]},
        {**archives.content(), "meta": {}},
        {**archives.content(), "meta": {"fine_label_names": ["../up", *archives.CLASSES[1:]]}},
        {"train": archives.rows(2), "test": archives.rows(2)},
        {},
        spoiled(data=np.zeros((3, 3072), np.uint8)),
        spoiled(data=np.zeros((40, 3071), np.uint8)),
        spoiled(data=[1, 2, 3]),
        spoiled(fine_labels=[0] * 39),
        spoiled(fine_labels=[100] * 40),
        spoiled(fine_labels=[-1] * 40),
        spoiled(fine_labels=["bus"] * 40),
        spoiled(fine_labels=None),
        spoiled(filenames=["../../escape.png"] * 40),
        spoiled(filenames=[7] * 40),
        spoiled(filenames=["a.png"]),
    ],
)
def test_an_archive_of_another_shape_is_one_line_that_names_it(tmp_path, members):
    path = archives.write(tmp_path / "odd.tar.gz", members)
    with pytest.raises(UserError, match=r"odd\.tar\.gz"):
        cifar100.read(path, VEHICLES)


def test_broken_bytes_are_one_line(tmp_path):
    whole = archives.write(tmp_path / "whole.tar.gz", archives.content()).read_bytes()
    broken = tmp_path / "broken.tar.gz"
    for data in (
        b"",
        b"\x1f\x8b",
        b"not a tar" * 99,
        gzip.compress(b"not a tar" * 99),
        whole[: len(whole) // 2],
        whole[: len(whole) // 2] + b"\0" * 99 + whole[len(whole) // 2 + 99 :],
    ):
        broken.write_bytes(data)
        with pytest.raises(UserError, match=r"broken\.tar\.gz"):
            cifar100.read(broken, VEHICLES)


def test_a_missing_archive_is_one_line(tmp_path):
    with pytest.raises(UserError, match="--archive"):
        cifar100.read(tmp_path / "absent.tar.gz", VEHICLES)


def test_a_class_without_rows_is_one_line_that_says_which_have_some(tmp_path):
    given = archives.content()
    given["test"] = archives.rows(2, labels=[1, 3])
    path = archives.write(tmp_path / "c.tar.gz", given)
    with pytest.raises(UserError, match=r"no test images of bus\. It has: bicycle, motorcycle\."):
        cifar100.read(path, ("bus", "bicycle"))


def test_names_that_a_class_has_twice_get_a_number(tmp_path):
    given = archives.content(per_class=3)
    given["train"]["filenames"] = ["same.png"] * 12
    source = cifar100.read(archives.write(tmp_path / "c.tar.gz", given), VEHICLES)
    assert source.train.names.tolist() == ["same", "same-2", "same-3"] * 2


def test_a_class_of_cifar_10_among_its_own_is_refused_for_no_name_may_mean_two(tmp_path):
    given = archives.content()
    given["meta"] = {"fine_label_names": ["truck", *archives.CLASSES[1:]]}
    path = archives.write(tmp_path / "c.tar.gz", given)
    with pytest.raises(UserError, match="CIFAR-10's truck"):
        cifar100.read(path, VEHICLES)


def test_a_mistyped_class_of_cifar_10_is_answered_with_the_right_one(tmp_path):
    given = archives.content()
    given["meta"] = {
        "fine_label_names": [*archives.CLASSES, *(f"class_{number}" for number in range(20))]
    }
    path = archives.write(tmp_path / "c.tar.gz", given)
    with pytest.raises(UserError, match=r"Did you mean automobile\?"):
        cifar100.read(path, ("bicycle", "automobil"))


def test_a_wrong_md5_is_one_line_that_shows_both():
    with pytest.raises(UserError, match=f"{'0' * 32}, not {cifar100.ARCHIVE.md5}"):
        cifar100.ARCHIVE.check_md5("0" * 32, "the mirror")


def serve(monkeypatch, chunks):
    def fetch(_url):
        yield from chunks

    monkeypatch.setattr(etl_archive, "_fetch", fetch)


def test_a_download_with_a_wrong_md5_leaves_nothing(tmp_path, monkeypatch):
    serve(monkeypatch, [b"something", b"else"])
    with pytest.raises(UserError, match=hashlib.md5(b"somethingelse").hexdigest()):
        cifar100.ARCHIVE.download(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_download_that_breaks_leaves_nothing(tmp_path, monkeypatch):
    def fetch(_url):
        yield b"half"
        raise etl_archive.UnreachableError("gone")

    monkeypatch.setattr(etl_archive, "_fetch", fetch)
    with pytest.raises(etl_archive.UnreachableError):
        cifar100.ARCHIVE.download(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_download_is_kept_and_not_repeated(tmp_path, monkeypatch):
    archive = replace(cifar100.ARCHIVE, md5=hashlib.md5(b"whole").hexdigest())
    serve(monkeypatch, [b"who", b"le"])
    path = archive.download(tmp_path)
    assert path.read_bytes() == b"whole"
    serve(monkeypatch, [b"another"])
    assert archive.download(tmp_path).read_bytes() == b"whole"


def test_a_site_that_does_not_answer_is_unreachable(tmp_path):
    archive = replace(cifar100.ARCHIVE, url="http://127.0.0.1:9/archive")
    with pytest.raises(etl_archive.UnreachableError):
        archive.download(tmp_path)


@pytest.mark.skipif(
    not os.environ.get("CIFAR_ARCHIVE"), reason="CIFAR_ARCHIVE names no real archive to read"
)
def test_the_real_archive_is_read():
    source = cifar100.read(Path(os.environ["CIFAR_ARCHIVE"]), VEHICLES)
    assert source.classes == VEHICLES
    for rows in (source.train, source.test):
        assert len(rows) >= 100
        assert set(rows.labels.tolist()) == {0, 1}
        # Photographs: neighbours resemble each other, which wrongly ordered planes would not.
        images = rows.images.astype(int)
        assert abs(np.diff(images, axis=2)).mean() < 20
        keys = set(zip(rows.labels.tolist(), rows.names.tolist(), strict=True))
        assert len(keys) == len(rows)

from collections.abc import Callable

import click
import pytest

from service import options


def refuse(parse: Callable, *values: str) -> None:
    for value in values:
        with pytest.raises(click.BadParameter):
            parse(value)


def test_numbers_lie_within_their_bounds():
    kind = options.Number(0, 1)
    assert (kind("0"), kind("1e0")) == (0, 1)
    refuse(kind, "-0.1", "1.1", "nan", "inf", "x", "", "1e999")


def test_an_s3_uri_has_a_bucket_and_a_key_and_what_looks_like_one_has_to_be_one():
    assert options.parse_s3_uri("s3://bucket/a b") == "s3://bucket/a b"
    refuse(
        options.parse_s3_uri, "", "s3://", "s3://bucket", "s3://bucket/", "s3://my bucket/x", "x"
    )
    for value in ("photo.jpg", "s3://bucket", "s3://bucket/", "s3://bucket/a b"):
        assert options.parse_place(value) == value
    refuse(options.parse_place, "", "s3://", "s3:/bucket/x", "s3://my bucket/x", "S3://bucket/x")
    refuse(options.parse_place, "s3://bucket/\udcff.jpg")


def test_a_file_is_asked_for_and_a_folder_given_or_the_reverse(tmp_path):
    file, folder = tmp_path / "results.csv", tmp_path / "folder.csv"
    file.touch()
    folder.mkdir()
    output = options.OutputFile(".csv")
    assert output(str(file)) == file
    assert options.File()(str(file)) == file
    assert options.Folder()(str(folder)) == folder
    assert options.Folder(exists=False)(f"{folder}/new") == folder / "new"
    refuse(output, "", str(folder), str(tmp_path / "results.txt"), str(tmp_path / "no" / "a.csv"))
    refuse(options.File(), "", str(folder), str(tmp_path / "nothing"))
    refuse(options.Folder(), "", str(file), str(tmp_path / "nothing"))
    refuse(options.Folder(exists=False), "", str(file))


def test_classes_are_a_list_by_commas():
    assert options.parse_classes("bus, tank ,") == ["bus", "tank"]
    refuse(options.parse_classes, "", " , ")


def test_instance_types_are_those_of_the_schema():
    assert options.parse_instance_type("ml.m5.large") == "ml.m5.large"
    refuse(options.parse_instance_type, "", "bogus", "m5.large", "ml.m5.large\n")

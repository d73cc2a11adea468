import click
import pytest

from service import options


def refuse(kind: click.ParamType, *values: str) -> None:
    for value in values:
        with pytest.raises(click.BadParameter):
            kind.convert(value, None, None)


def test_numbers_lie_within_their_bounds():
    kind = options.Number(0, 1)
    assert (kind.convert("0", None, None), kind.convert("1e0", None, None)) == (0, 1)
    refuse(kind, "-0.1", "1.1", "nan", "inf", "x", "", "1e999")


def test_an_s3_uri_has_a_bucket_and_a_key_and_what_looks_like_one_has_to_be_one():
    assert options.S3Uri().convert("s3://bucket/a b", None, None) == "s3://bucket/a b"
    refuse(options.S3Uri(), "", "s3://", "s3://bucket", "s3://bucket/", "s3://my bucket/x", "x")
    for value in ("photo.jpg", "s3://bucket", "s3://bucket/", "s3://bucket/a b"):
        assert options.PathOrUri().convert(value, None, None) == value
    refuse(options.PathOrUri(), "", "s3://", "s3:/bucket/x", "s3://my bucket/x", "S3://bucket/x")
    refuse(options.PathOrUri(), "s3://bucket/\udcff.jpg")


def test_a_file_is_asked_for_and_a_folder_given_or_the_reverse(tmp_path):
    file, folder = tmp_path / "results.csv", tmp_path / "folder.csv"
    file.touch()
    folder.mkdir()
    output = options.OutputFile(".csv")
    assert output.convert(str(file), None, None) == file
    assert options.File().convert(str(file), None, None) == file
    assert options.Folder().convert(str(folder), None, None) == folder
    assert options.Folder(exists=False).convert(f"{folder}/new", None, None) == folder / "new"
    refuse(output, "", str(folder), str(tmp_path / "results.txt"), str(tmp_path / "no" / "a.csv"))
    refuse(options.File(), "", str(folder), str(tmp_path / "nothing"))
    refuse(options.Folder(), "", str(file), str(tmp_path / "nothing"))
    refuse(options.Folder(exists=False), "", str(file))


def test_classes_are_a_list_by_commas():
    assert options.ClassNames().convert("bus, tank ,", None, None) == ["bus", "tank"]
    refuse(options.ClassNames(), "", " , ")


def test_instance_types_are_those_of_the_schema():
    assert options.InstanceType().convert("ml.m5.large", None, None) == "ml.m5.large"
    refuse(options.InstanceType(), "", "bogus", "m5.large", "ml.m5.large\n")

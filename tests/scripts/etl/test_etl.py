import json

import pytest

from scripts.etl import __main__ as etl
from scripts.etl import cifar, cifar100
from service.terminal import UserError
from tests.unit.scripts import archives


def parse(*arguments: str):
    return etl._parser().parse_args(arguments)


def test_the_archive_can_be_named_by_option_or_variable(tmp_path, monkeypatch):
    named, other = (
        archives.write(tmp_path / name, archives.content()) for name in ("a.tar.gz", "b.tar.gz")
    )
    monkeypatch.setenv("CIFAR_ARCHIVE", str(named))
    assert cifar.find_archives(parse().archive) == {cifar100.ARCHIVE: named}
    assert cifar.find_archives(parse("--archive", str(other)).archive) == {cifar100.ARCHIVE: other}
    assert etl.get_source(parse("--classes", "bus,apple")).classes == ("apple", "bus")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--folder", "photos", "--archive", "{hundred}"), "--folder or --archive"),
        (("--classes", "ship,truck", "--archive", "{hundred}"), "has none of ship, truck"),
        (("--classes", "bus,apple", "--archive", "{ten}"), "has none of bus, apple"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(tmp_path, arguments, said):
    paths = {
        "hundred": archives.write(tmp_path / "hundred.tar.gz", archives.content()),
        "ten": archives.write_ten(tmp_path / "ten.tar.gz"),
    }
    with pytest.raises(UserError, match=said):
        etl.check(parse(*(argument.format(**paths) for argument in arguments)))


def test_both_archives_can_be_given_for_classes_of_both(tmp_path):
    hundred = archives.write(tmp_path / "hundred.tar.gz", archives.content())
    ten = archives.write_ten(tmp_path / "ten.tar.gz")
    arguments = parse(
        "--archive", str(ten), "--archive", str(hundred), "--classes", "truck,bicycle"
    )
    etl.check(arguments)
    source = etl.get_source(arguments)
    assert source.classes == ("truck", "bicycle")
    assert etl.uneven_classes(source) is None


def test_uneven_classes_are_told(tmp_path):
    hundred = archives.write(tmp_path / "hundred.tar.gz", archives.content(per_class=3))
    ten = archives.write_ten(tmp_path / "ten.tar.gz")
    arguments = parse("--archive", str(ten), "--archive", str(hundred), "--classes", "bus,cat")
    assert "cat 10, bus 3" in etl.uneven_classes(etl.get_source(arguments))


def test_a_batch_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "batch.json"
    etl.write_json(path, {"images": []})
    assert json.loads(path.read_text()) == {"images": []}
    with pytest.raises(TypeError):
        etl.write_json(path, {"images": object()})
    assert json.loads(path.read_text()) == {"images": []}
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match="absent"):
        etl.write_json(tmp_path / "absent" / "batch.json", {})

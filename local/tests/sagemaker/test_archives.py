"""What is packed comes out again; what would leave its folder does not."""

import tarfile

import pytest

from local.sagemaker.storage import ArchiveError, pack, unpack


def test_an_archive_holds_the_folders_content(tmp_path):
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"model")
    (folder / "code" / "x.py").write_bytes(b"code")
    pack(folder, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    found = {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in files}
    assert found == {"model.onnx": b"model", "code/x.py": b"code"}


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [("a/../../evil", tarfile.REGTYPE, ""), ("link", tarfile.SYMTYPE, "/etc/passwd")],
)
def test_what_would_leave_the_folder_is_refused(tmp_path, name, kind, target):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        bad = tarfile.TarInfo(name)
        bad.type, bad.linkname = kind, target
        tar.addfile(bad)
    with pytest.raises(ArchiveError):
        unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("damage", [lambda body: body[:-20], lambda body: b"x"])
def test_an_archive_that_is_damaged_is_refused(tmp_path, damage):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(bytes(range(256)) * 100)
    archive = tmp_path / "model.tar.gz"
    pack(folder, archive)
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(ArchiveError):
        unpack(archive, tmp_path / "out")

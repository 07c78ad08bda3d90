"""Which faults of a file are its own, which pass, and which say that it is gone."""

import errno
import os
import pickle

import pytest

from hdqm_ops.errors import AbsentFile, TruncatedFile, TryAgain, UnreadableFile
from hdqm_ops.extract import read_file
from hdqm_ops.extract._faults import fault


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, AbsentFile),
        (errno.ENOTDIR, AbsentFile),
        (errno.EACCES, UnreadableFile),
        (errno.EIO, UnreadableFile),
        (errno.ELOOP, UnreadableFile),
        (errno.ESTALE, TryAgain),
        (errno.ENOTCONN, TryAgain),
        (errno.ETIMEDOUT, TryAgain),
        (errno.EMFILE, TryAgain),
    ],
)
def test_errors_of_the_operating_system(number, kind):
    found = fault("/x.root", OSError(number, os.strerror(number)))

    assert type(found) is kind
    assert os.strerror(number) in str(found)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AbsentFile, match="No such file"):
        read_file(tmp_path / "nothing.root", [])


@pytest.mark.parametrize("length", [0, 30, 1000])
def test_a_file_that_ends_too_early(tmp_path, length):
    header = b"root" + (62400).to_bytes(4, "big") + (100).to_bytes(4, "big") + (5000).to_bytes(4, "big") + bytes(2000)
    path = tmp_path / "short.root"
    path.write_bytes(header[:length])

    with pytest.raises(TruncatedFile) as told:
        read_file(path, [])
    assert told.value.reason in str(told.value)
    assert str(path) not in told.value.reason


def test_other_damage_is_not_taken_for_a_short_file(tmp_path):
    path = tmp_path / "text.root"
    path.write_bytes(b"no ROOT file" * 100)

    with pytest.raises(UnreadableFile) as told:
        read_file(path, [])
    assert not isinstance(told.value, TruncatedFile)

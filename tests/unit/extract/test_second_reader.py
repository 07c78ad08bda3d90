"""uproot as second reader: for class versions that our decoders do not know."""

import struct

import pytest

from hdqm_ops.extract import read_file
from hdqm_ops.extract._damage import Damaged, Unfamiliar
from hdqm_ops.extract._decode import CLASSES, decode
from hdqm_ops.extract._elements import all_elements, find_elements, open_run
from hdqm_ops.extract._file import RootFile
from hdqm_ops.extract._source import LocalFile
from hdqm_ops.extract._uproot import SecondReader
from hdqm_ops.model import ElementProblem, Reason

NAMES = ["TH1F", "TH2L", "TH3D", "TProfile_g", "TProfile2D_weighted", "TProfile3D", "labels", "decorated", "pointed_at"]


@pytest.fixture(params=["zlib", "none"])
def classes(request, data_folder):
    with LocalFile(next((data_folder / "classes").glob(f"*-{request.param}-*.root"))) as source:
        file = RootFile(source)
        names = all_elements(file, open_run(file)[1])
        file = RootFile(source)
        keys = find_elements(file, open_run(file)[1], names)
        yield file, {name.rpartition("/")[2]: key for name, key in keys.items()}


def payload(file, key):
    return RootFile.payload(key, file.source.read([(key.seek, key.size)])[0])


@pytest.mark.parametrize("name", NAMES)
def test_it_reads_payloads_as_we_do(classes, name):
    file, keys = classes
    key = keys[name]
    data, class_name = payload(file, key), key.class_name.decode()
    with SecondReader(file) as second:
        theirs = second.histogram(class_name, data, key.key_size)
    ours = decode(class_name, data, key.key_size)
    assert theirs.cells.tolist() == ours.cells.tolist()
    assert (theirs.entries, theirs.sums, theirs.title) == (ours.entries, ours.sums, ours.title)
    assert [axis.labels for axis in theirs.axes] == [axis.labels for axis in ours.axes]


@pytest.mark.parametrize(("place", "message"), [(4, "TH1F of version 99"), (10, "TH1 of version 99")])
def test_a_version_that_the_file_does_not_describe_is_refused(classes, place, message):
    """uproot alone would take the next best description."""
    file, keys = classes
    data = bytearray(payload(file, keys["TH1F"]))
    struct.pack_into(">H", data, place, 99)
    with pytest.raises(Unfamiliar):
        decode("TH1F", bytes(data), 80)
    with SecondReader(file) as second, pytest.raises(Damaged, match=f"{message}, which the file"):
        second.histogram("TH1F", bytes(data), 80)


def test_what_both_do_not_know_is_a_problem_of_the_element(dqm_file, leaf, payload):
    data = bytearray(payload("TH1F"))
    struct.pack_into(">H", data, 10, 99)
    path = dqm_file({"h": leaf("TH1F", bytes(data)), "good": leaf("TH1F", payload("TH1F"))})
    elements = read_file(path, ["A/h", "A/good"]).elements
    assert isinstance(elements["A/h"], ElementProblem)
    assert elements["A/h"].reason is Reason.ELEMENT_UNREADABLE
    assert "the file has no descriptions of its classes" in elements["A/h"].detail
    assert elements["A/good"].class_name in CLASSES

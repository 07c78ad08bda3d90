"""Files that are odd, and files that are wrong: what a person reads then."""

import os
import pickle
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from hdqm_ops.errors import UnreadableFile
from hdqm_ops.extract import list_elements, read_file
from hdqm_ops.model import ElementProblem, Histogram, Reason, Scalar

DATA = Path(__file__).parents[2] / "data"
CASES = next((DATA / "cases" / "dqm").glob("*.root"))
CLASSES = DATA / "classes"


def tobjstring(text):
    raw = text.encode()
    return struct.pack(">IHHII", 0x40000000 | 12 + 1 + len(raw), 1, 1, 0, 0) + bytes([len(raw)]) + raw


def zlib_block(data, *, declared=None, body=None):
    body = zlib.compress(data) if body is None else body
    size = len(data) if declared is None else declared
    return b"ZL\x08" + len(body).to_bytes(3, "little") + size.to_bytes(3, "little") + body


def found(path, *wanted):
    return read_file(path, wanted).elements


# -- odd ---------------------------------------------------------------------------------------------------------------


def test_only_what_is_wanted_is_read(dqm_file, leaf, payload):
    path = dqm_file({"h": leaf("TH1F", payload("TH1F")), "g": leaf("TH1D", payload("TH1D"))})
    assert list(found(path, "A/h", "A/none", "B/h", "A", "", "A/B/h", "A//h", "/A/h")) == ["A/h"]


def test_the_run_of_the_folder_is_trusted(dqm_file, leaf, payload):
    path = dqm_file(
        {"h": leaf("TH1F", payload("TH1F"))}, run=324997, name="DQM_V0001_R000000001__A__B-C-v1__DQMIO.root"
    )
    assert read_file(path, []).run_number == 324997


def test_of_several_runs_the_one_in_the_name_is_taken(root_file, leaf):
    runs = {
        f"Run {run}": {"A": {"Run summary": {f"<x>i={run}</x>": leaf("TObjString", tobjstring(f"<x>i={run}</x>"))}}}
        for run in (5, 6)
    }
    path = root_file({"DQMData": runs}, name="DQM_V0001_R000000006__A__B-C-v1__DQMIO.root")
    assert read_file(path, ["A/x"]).elements == {"A/x": Scalar("x", 6)}
    other = shutil.copy(path, path.with_name("other.root"))
    with pytest.raises(UnreadableFile, match=r"2 folders 'Run N' \(5, 6, …\), and the file's name says none of them"):
        read_file(other, [])


def test_positions_beyond_two_gigabytes(dqm_file, leaf, payload):
    path = dqm_file(
        {"h": leaf("TH1F", payload("TH1F")), "f": {"g": leaf("TH2F", payload("TH2F"))}}, big=True, base=3 << 30
    )
    assert path.stat().st_size > 3 << 30
    assert list_elements(path) == {"A/h": "TH1F", "A/f/g": "TH2F"}
    assert {type(content) for content in found(path, "A/h", "A/f/g").values()} == {Histogram}


def test_long_names(dqm_file, leaf, payload):
    long = "n" * 300
    path = dqm_file({long: leaf("TH1F", payload("TH1F")), "after": leaf("TH1F", payload("TH1F"))})
    assert list_elements(path) == {f"A/{long}": "TH1F", "A/after": "TH1F"}
    assert set(found(path, f"A/{long}", "A/after")) == {f"A/{long}", "A/after"}


def test_a_folder_that_was_never_filled(root_file):
    path = root_file({"DQMData": {"Run 7": {}}})
    assert list_elements(path) == {}


def test_an_object_in_several_blocks(dqm_file, leaf, payload):
    data = payload("TH1D")
    stored = zlib_block(data[:100]) + zlib_block(data[100:])
    path = dqm_file({"h": leaf("TH1D", stored, len(data))})
    assert isinstance(found(path, "A/h")["A/h"], Histogram)


def test_names_in_latin_1(dqm_file, leaf, payload):
    data = payload("TH1F").replace(b"title of TH1F", b"Gr\xf6\xdfe in \xb5m  "[:13])
    assert found(dqm_file({"h": leaf("TH1F", data)}), "A/h")["A/h"].title == "Größe in µm  "


def test_an_element_and_a_folder_may_share_a_name(dqm_file, leaf, payload):
    inside = {"h": {"g": leaf("TH1F", payload("TH1F"))}, "h;1": leaf("TH1F", payload("TH1F"))}
    assert set(found(dqm_file(inside), "A/h", "A/h/g")) == {"A/h", "A/h/g"}


# -- wrong as a whole --------------------------------------------------------------------------------------------------


def refused(path):
    with pytest.raises(UnreadableFile) as caught:
        read_file(path, ["Cases/All/gaus_f"])
    with pytest.raises(UnreadableFile):
        list_elements(path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert caught.value.path == str(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty at byte 0"),
        (b"\x1f\x8b" + bytes(500), r"no ROOT file: it begins with b'\x1f\x8b\x00\x00' at byte 0"),
        (b"root", "the file ends within its header, after 4 bytes at byte 4"),
        (b"root" + bytes(500), "the header contradicts itself at byte 0"),
        (b"root" + b"\xff" * 500, "the header contradicts itself at byte 0"),
        (b"root" + b"\x7f" * 500, "truncated: 504 of 9187201950435737471 bytes are there at byte 504"),
    ],
)
def test_no_root_file(tmp_path, content, message):
    path = tmp_path / "x.root"
    path.write_bytes(content)
    assert refused(path) == message


def test_truncated(tmp_path):
    whole = CASES.read_bytes()
    for length in (40, 200, len(whole) // 2, len(whole) - 1):
        path = tmp_path / f"{length}.root"
        path.write_bytes(whole[:length])
        message = f"truncated: {length} of {len(whole)} bytes are there at byte {length}"
        assert refused(path) == (
            message if length >= 80 else "the file ends within its header, after 40 bytes at byte 40"
        )


def test_not_closed_by_its_writer(tmp_path):
    data = bytearray(CASES.read_bytes())
    (name_size,) = struct.unpack_from(">i", data, 28)
    struct.pack_into(">i", data, 100 + name_size + 10, 0)
    struct.pack_into(">i", data, 100 + name_size + 26, 0)
    path = tmp_path / "open.root"
    path.write_bytes(data)
    assert refused(path).startswith("the file was not closed by its writer: it has no list of keys at byte")


def test_absent_or_no_file(tmp_path):
    assert refused(tmp_path / "none.root") == "No such file or directory"
    assert refused(tmp_path) == "no regular file"
    os.mkfifo(tmp_path / "pipe.root")
    assert refused(tmp_path / "pipe.root") == "no regular file"


def test_no_dqm_file(root_file):
    assert refused(root_file({"Events": {}})) == "no DQM file: it has no folder DQMData"
    assert refused(root_file({"DQMData": {"Runs": {}}})) == "no DQM file: there is no folder 'Run N' in DQMData"


def test_a_folder_that_leads_back_to_itself(dqm_file, leaf, payload):
    path = dqm_file({"f": {"f": {"h": leaf("TH1F", payload("TH1F"))}}})
    data = bytearray(path.read_bytes())
    # Both folders named f: let the inner one have the list of keys of the outer one.
    places = []
    start = 0
    while (start := data.find(b"\x0aTDirectory\x01f\x00", start)) >= 0:
        places.append(start)
        start += 1
    outer, inner = sorted({place + 14 for place in places if data[place + 14 : place + 16] == b"\x00\x05"})[:2]
    data[inner : inner + 30] = data[outer : outer + 30]
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match="two folders share one list of keys: a loop at byte"):
        list_elements(path)
    with pytest.raises(UnreadableFile, match="two folders share one list of keys: a loop at byte"):
        read_file(path, ["A/f/f/h"])


def test_a_list_of_keys_outside_of_the_file(dqm_file, leaf, payload):
    path = dqm_file({"h": leaf("TH1F", payload("TH1F"))})
    data = path.read_bytes()
    place = data.index(b"\x0bRun summary\x00") + 13
    path.write_bytes(data[: place + 26] + struct.pack(">i", 1 << 30) + data[place + 30 :])
    with pytest.raises(
        UnreadableFile, match=r"a folder's list of keys \(\d+ bytes at 1073741824\) lies outside of the file"
    ):
        read_file(path, ["A/h"])


def test_a_list_of_more_keys_than_it_has(dqm_file, leaf, payload):
    path = dqm_file({"h": leaf("TH1F", payload("TH1F"))})
    data = path.read_bytes()
    place = data.rindex(b"\x00\x00\x00\x01", 0, data.rindex(b"\x04TH1F\x01h\x00"))
    path.write_bytes(data[:place] + struct.pack(">i", 2_000_000_000) + data[place + 4 :])
    with pytest.raises(UnreadableFile, match="a folder's list cannot have 2000000000 keys"):
        read_file(path, ["A/h"])


def test_elements_that_would_fill_the_memory(dqm_file, leaf):
    bombs = {f"h{n}": leaf("TH1F", b"ZL\x08" + bytes(100), 100 << 20) for n in range(4)}
    with pytest.raises(UnreadableFile, match="the wanted elements say that they are 419430400 bytes: taken for a bomb"):
        read_file(dqm_file(bombs), [f"A/h{n}" for n in range(4)])


# -- wrong in one element ----------------------------------------------------------------------------------------------


def problem(path, name="A/h"):
    """What is said of one element, and that another one is read all the same."""
    elements = found(path, name, "A/good")
    assert isinstance(elements["A/good"], Histogram)
    assert isinstance(elements[name], ElementProblem), elements[name]
    assert elements[name].reason is Reason.ELEMENT_UNREADABLE
    return elements[name].detail.removeprefix(f"{name}: ").partition(" at byte")[0]


@pytest.fixture
def one_bad(dqm_file, leaf, payload):
    def write(bad):
        return dqm_file({"h": bad, "good": leaf("TH1F", payload("TH1F"))})

    return write


def test_a_broken_checksum(one_bad, leaf, payload):
    data = payload("TH1F")
    block = bytearray(zlib_block(data))
    block[-1] ^= 1
    assert "the compressed block (ZL) is damaged" in problem(one_bad(leaf("TH1F", bytes(block), len(data))))


def test_a_block_that_gives_more_than_it_says(one_bad, leaf, payload):
    data = payload("TH1F")
    stored = zlib_block(data, body=zlib.compress(data + bytes(100_000)))
    assert "the compressed block (ZL) is damaged" in problem(one_bad(leaf("TH1F", stored, len(data))))


def test_a_block_that_gives_less_than_it_says(one_bad, leaf, payload):
    data = payload("TH1F")
    stored = zlib_block(data, body=zlib.compress(data[:-5]))
    expected = f"a compressed block gives {len(data) - 5} bytes in place of {len(data)}"
    assert problem(one_bad(leaf("TH1F", stored, len(data)))) == expected


def test_an_object_that_announces_too_much(one_bad, leaf):
    assert (
        problem(one_bad(leaf("TH1F", b"ZL\x08" + bytes(50), 200 << 20))) == "an object of 209715200 bytes is announced"
    )


def test_an_object_of_negative_length(one_bad, leaf):
    assert problem(one_bad(leaf("TH1F", bytes(50), -5))) == "an object of -5 bytes is announced"


def test_a_key_that_points_outside(one_bad, leaf, payload):
    data = payload("TH1F")
    assert problem(one_bad(leaf("TH1F", data, key={"seek": 1 << 30}))).startswith("a key points outside of the file")
    assert problem(one_bad(leaf("TH1F", data, key={"seek": -7}))).startswith("a key points outside of the file")


def test_a_key_that_points_at_another_object(one_bad, leaf, payload):
    data = payload("TH1F")
    assert problem(one_bad(leaf("TH1F", data, key={"seek": 200}))) == "the record is not the one that its folder lists"


def test_an_unknown_compression(one_bad, leaf, payload):
    assert problem(one_bad(leaf("TH1F", b"QQ" + zlib_block(payload("TH1F"))[2:], 1000))) in {
        "no compressed block begins with b'QQ'",
        "a compressed block is longer than its object",
    }


def test_every_cut_and_every_byte_count_is_noticed(payload):
    """Cut anywhere, no payload passes for a histogram."""
    from hdqm_ops.extract._damage import Damaged, Unfamiliar
    from hdqm_ops.extract._decode import decode

    for name, class_name in (("labels", "TH2F"), ("TProfile_s", "TProfile"), ("TH3I", "TH3I"), ("decorated", "TH1F")):
        whole = payload(name)
        for length in range(len(whole)):
            with pytest.raises((Damaged, Unfamiliar)):
                decode(class_name, whole[:length], 80)
            if length % 7 == 0:
                with pytest.raises((Damaged, Unfamiliar)):
                    decode(class_name, whole[:length] + b"\0" + whole[length:], 80)


def test_fills_that_wait_in_the_buffer(one_bad, leaf, payload):
    data = payload("TH1D")
    # fBufferSize and fBuffer come after the empty list of functions: give them one waiting fill.
    functions = struct.pack(">IHHIIBi", 0x40000000 | 17, 5, 1, 0, 0, 0, 0)
    place = data.index(functions) + len(functions)
    assert data[place : place + 5] == bytes(5)
    buffer = struct.pack(">iB3d", 3, 1, 1.0, 1.0, 2.5)
    longer = bytearray(data[:place] + buffer + data[place + 5 :])
    for count in (0, 6):  # TH1D and TH1 are as much longer
        struct.pack_into(">I", longer, count, struct.unpack_from(">I", longer, count)[0] + len(buffer) - 5)
    expected = "fills still wait in ROOT's buffer: it was written without BufferEmpty()"
    assert problem(one_bad(leaf("TH1D", bytes(longer)))) == expected


@pytest.mark.parametrize("text", ["<h>f=0x1z</h>", "<h>i=</h>", "<h>i=1.5</h>", "<h>i=" + "9" * 5000 + "</h>"])
def test_scalars_without_a_number(dqm_file, leaf, text):
    stored = (
        struct.pack(">IHHII", 0x40000000 | 17 + len(text), 1, 1, 0, 0)
        + b"\xff"
        + struct.pack(">I", len(text))
        + text.encode()
    )
    content = found(dqm_file({text: leaf("TObjString", stored)}), "A/h")["A/h"]
    assert content.reason is Reason.ELEMENT_UNREADABLE
    assert "is no number" in content.detail


def test_a_few_names_in_a_long_list(dqm_file, leaf, payload):
    """Names are looked for then; titles that repeat them, longer names and scalars must not mislead."""
    many = {f"h{n}": leaf("TH1F", payload("TH1F")) for n in range(200)}
    many |= {"wanted": leaf("TH1D", payload("TH1D")), "unwanted": leaf("TH1F", b""), "wanted more": leaf("TH1F", b"")}
    text = "<number>i=5</number>"
    many |= {text: leaf("TObjString", tobjstring(text)), "<wanted>e=1</wanted>": leaf("TObjString", b"")}
    path = dqm_file(many)
    elements = found(path, "A/wanted", "A/number", "A/h7", "A/h", "A/more", "A/h200")
    assert set(elements) == {"A/wanted", "A/number", "A/h7"}
    assert elements["A/wanted"].class_name == "TH1D"
    assert elements["A/number"] == Scalar("number", 5)
    big = dqm_file(many, big=True, base=3 << 30)
    assert set(found(big, "A/wanted", "A/number", "A/h7", "A/none")) == {"A/wanted", "A/number", "A/h7"}


def test_walking_and_looking_find_the_same():
    """On the keys of a real list, whichever names are wanted."""
    from hdqm_ops.extract._elements import open_run
    from hdqm_ops.extract._file import RootFile
    from hdqm_ops.extract._keys import _look_for, _walk, keys_in
    from hdqm_ops.extract._source import LocalFile

    with LocalFile(next(CLASSES.glob("*-zlib-*.root"))) as source:
        file = RootFile(source)
        folder = open_run(file)[1]
        for _ in range(4):  # down to the folder that has all
            (listing,) = file.key_lists([folder])
            keys = list(keys_in(listing, 0))
            folder = file.folders(keys[:1])[0] if keys[0].class_name == b"TDirectory" else None
    assert len(keys) > 40
    count, start = len(keys), len(listing) - sum(key.key_size for key in keys)
    for key in keys:
        if key.name[:1] != b"<":
            walked = [each for each in _walk(listing, 0, start, count, {key.name}) if each.name == key.name]
            assert list(_look_for(listing, {key.name}))[: len(walked)] == walked

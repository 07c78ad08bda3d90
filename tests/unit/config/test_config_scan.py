"""The scanner reads exactly what configparser.RawConfigParser reads, and knows the lines."""

import io
from configparser import Error, RawConfigParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hdqm_ops.config._scan import scan

MEANINGFUL = [
    "[plot:a]",
    "[plot:b]",
    "[DEFAULT]",
    "[]",
    "[x",
    "]",
    "[a]b]",
    "#note",
    ";note",
    "key",
    "other",
    "=",
    ":",
    "%(x)s",
]
BLANKS = [" ", "  ", "\t", "\n", "\n", "\n", "\n ", "\n    ", "\r\n", "\r", "\x0b", "\x1c", "\u2028", "\xa0"]
pieces = st.sampled_from(MEANINGFUL + BLANKS)
texts = st.lists(pieces, max_size=25).map("".join)


def read_by_configparser(text):
    parser = RawConfigParser()
    parser.read_file(io.StringIO(text, newline=None))
    own = {name: dict(parser._sections[name]) for name in parser.sections()}
    return own, dict(parser.defaults())


def read_by_scanner(text):
    scanned = scan(text)
    assert not scanned.malformed
    assert not scanned.duplicates
    own = {section.name: {k: e.value for k, e in section.entries.items()} for section in scanned.sections}
    return own, {k: e.value for k, e in scanned.defaults.entries.items()}


@given(texts)
@example("[plot:a]\nkey = one\n\n  two\n  # note\n\n three\n\n\n[plot:b]\n")
@example("  [plot:a]\n  key = x\n    [plot:b]\n")
@example("[plot:a]\n = x")
@example("[DEFAULT]\nkey=1\n[DEFAULT]\nkey=2")
@example("[plot:a]\nkey=1\nKEY=2")
@example("[plot:a]\n  key\xa0=1\n \xa0 2\n")
def test_scanner_equals_configparser(text):
    try:
        expected = read_by_configparser(text)
    except Error:
        scanned = scan(text)
        assert scanned.malformed or scanned.duplicates
    else:
        assert read_by_scanner(text) == expected


@given(texts)
def test_lines_point_at_what_was_read(text):
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for section in scan(text).sections:
        assert f"[{section.name}]" in lines[section.line - 1]
        for key, entry in section.entries.items():
            assert lines[entry.line - 1].strip().lower().startswith(key)
            for number, line in zip(entry.lines[1:], entry.value.split("\n")[1:], strict=False):
                assert lines[number - 1].strip() == line


def test_second_section_and_second_key_are_named_with_both_lines():
    scanned = scan("[plot:a]\nx = 1\nX = 2\n\n[plot:a]\nx = 3\n")

    assert [(d.what, d.line, d.first_line) for d in scanned.duplicates] == [("x in [plot:a]", 3, 2), ("[plot:a]", 5, 1)]
    assert [section.entries["x"].value for section in scanned.sections] == ["1"]


@pytest.mark.parametrize("blanks", [10, 5_000_000])
def test_a_line_of_blanks_takes_no_time(blanks):
    # RawConfigParser's regular expression would need hours here; the suite's timeout is the judge.
    assert scan("[plot:a]\na" + " " * blanks + "b").malformed

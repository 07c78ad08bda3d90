import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdqm_ops.config import parse_metric
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import MetricCall

numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
literals = st.recursive(
    numbers | st.booleans() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)
words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda word: word.isidentifier())


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("basic.Mean()", "basic.Mean", ()),
        ("  basic.Mean( ) ", "basic.Mean", ()),
        ("fits.LandauAroundMax(0,0.8,1.4, 60000)", "fits.LandauAroundMax", (0, 0.8, 1.4, 60000)),
        ("fits.Landau(1, 15., 25., (20.,2.))", "fits.Landau", (1, 15.0, 25.0, (20.0, 2.0))),
        ("fits.FlatLine(0,0.,192.,(30.))", "fits.FlatLine", (0, 0.0, 192.0, 30.0)),
        ("basic.StripBadComponent([1,2],10,15104)", "basic.StripBadComponent", ([1, 2], 10, 15104)),
        ("basic.ROCfraction(1,1536,True)", "basic.ROCfraction", (1, 1536, True)),
        ("muon_metrics.NOutsideRange(-0.01,+0.01)", "muon_metrics.NOutsideRange", (-0.01, 0.01)),
        ("basic.RecoFraction('initialStep Seeds')", "basic.RecoFraction", ("initialStep Seeds",)),
    ],
)
def test_metric_is_read(text, name, arguments):
    call = parse_metric(text)

    assert call == MetricCall(name, arguments)
    assert [type(a) for a in call.arguments] == [type(a) for a in arguments]


@given(words, words, st.lists(literals, max_size=4).map(tuple))
def test_every_call_of_literals_comes_back_from_its_text(family, name, arguments):
    call = MetricCall(f"{family}.{name}", arguments)
    if not is_keyword(family) and not is_keyword(name) and len(str(call)) <= 2000:
        assert repr(parse_metric(str(call))) == repr(call)


def is_keyword(word):
    import keyword

    return keyword.iskeyword(word)


@given(st.text(max_size=200))
def test_any_text_is_a_call_or_a_config_error(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            call = parse_metric(text)
        except ConfigError:
            return
    assert isinstance(call, MetricCall)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch here')",
        "basic.Mean(__import__('os').system('touch here'))",
        "basic.Mean(*[1])",
        "basic.Mean(**{})",
        "basic.Mean(x=1)",
        "basic.Mean(lambda: 1)",
        "basic.Mean(f'{1}')",
        "basic.Mean([x for x in (1,)])",
        "basic.Mean(9 ** 9 ** 9)",
        "basic.Mean((x := 1))",
        "basic.Mean(1 + 2j)",
        "basic.Mean(...)",
        "basic.Mean(None)",
        "basic.Mean({1})",
        "basic.Mean(-1e999)",
        "basic.Mean()()",
        "basic.Mean(); basic.Mean()",
        "basic.Mean()\nbasic.Mean()",
        "basic.sub.Mean()",
        "Mean()",
        "basic.Mean(\x00)",
        "basic.Mean('\\N{NO SUCH NAME}')",
        "basic.Mean(" + "9" * 1500 + ", '" + "9" * 400 + "'" * 1,
        "",
        "basic.Mean(" + "(" * 900 + ")" * 900 + ")",
        "basic.Mean(" + "-" * 1900 + "1)",
        "basic.Mean(" + "[" * 150 + "]" * 149 + ")",
        "x" * 10_000_000,
    ],
    ids=lambda text: text[:30],
)
def test_hostile_text_is_an_error_and_never_runs(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError) as error:
        parse_metric(text)

    assert not list(tmp_path.iterdir())
    assert len(str(error.value)) < 300


def test_advice_of_python_on_style_is_not_raised():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_metric(r"basic.RecoFraction('\d')").arguments == (r"\d",)

"""A stranger's data is read by type with the path in every complaint; a secret is compared, and never shown."""

import gzip
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import proof
from hub.errors import PayloadError, Unauthenticated
from hub.payload import LARGEST_FORM, Field, decode_filled, decode_form, decode_json, shown
from hub.proof import Secret

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
READ: tuple[Callable[[Field], Any], ...] = (
    lambda field: field.text(),
    lambda field: field.text("-"),
    lambda field: field.integer(),
    lambda field: field.integer(0),
    lambda field: field.flag(),
    lambda field: field.one_of({"a": 1}),
    lambda field: field.epoch(),
    lambda field: field.time(),
    lambda field: list(field.items()),
    lambda field: list(field.entries()),
    lambda field: field.object(),
    lambda field: field.at("a.0.b"),
)

BODY = Field({"check": {"name": "disk", "state": "sick", "tags": ["a", {"b": 1}], "none": None}})


def complaint(read: Callable[[Field], Any], field: Field = BODY) -> str:
    with pytest.raises(PayloadError) as raised:
        read(field)
    return str(raised.value)


def _complaint_or_nothing(read: Callable[[], Any]) -> PayloadError | None:
    try:
        read()
    except PayloadError as error:
        return error
    return None


def test_a_complaint_names_the_path() -> None:
    """It is for the person who must find the place in a body that fills a screen."""
    check = BODY["check"]

    assert "check.metadata.name: is missing" == complaint(lambda _: check["metadata"]["name"].text())
    assert "check.none: is missing" == complaint(lambda _: check["none"].text())
    assert "check.tags[1].b: '1' is not a list" == complaint(lambda _: list(check["tags"][1]["b"].items()))
    assert "check.tags[7]: is missing" == complaint(lambda _: check["tags"][7].integer())
    assert "check.state: 'sick' is none of passing, warning" == complaint(
        lambda _: check["state"].one_of({"passing": 0, "warning": 1})
    )


def test_a_dotted_path_is_the_same_path() -> None:
    assert 1 == BODY.at("check.tags.1.b").integer()
    assert "check.tags[9].b: is missing" == complaint(lambda body: body.at("check.tags.9.b").text())
    assert "check.x.0: is missing" == complaint(lambda body: body.at("check.x.0").text())


@given(value=JSON)
def test_reading_anything_as_anything_gives_a_value_or_a_complaint(value: Any) -> None:
    """No other error gets through the door, whatever a stranger sends."""
    for field in (Field(value, "x"), Field({"a": value})["a"]):
        for read in READ:
            said = _complaint_or_nothing(lambda read=read, field=field: read(field))
            assert said is None or (said.path and "\n" not in str(said))


@given(body=st.binary(max_size=60))
def test_any_bytes_are_json_or_a_complaint(body: bytes) -> None:
    for decode in (decode_json, decode_form):
        said = _complaint_or_nothing(lambda decode=decode: decode(body))
        assert said is None or str(said).startswith("the body is not")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1e999", b'"\\ud8"'])
def test_what_is_not_json_is_said_so(body: bytes) -> None:
    with pytest.raises(PayloadError, match="the body is"):
        decode_json(body)


@given(value=JSON)
def test_what_is_json_is_read_as_it_is(value: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value)) == decode_json(msgspec.json.encode(value)).value


def test_a_form_keeps_what_is_empty_and_the_last_of_a_name() -> None:
    assert {"a": "3", "b": "", "c": "x & y"} == decode_form(b"a=1&b=&a=3&c=x+%26+y").value
    with pytest.raises(PayloadError):
        decode_form(b"&".join(b"a=1" for _ in range(3000)))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'"Zeit\xfcberschreitung"', "Zeit\xfcberschreitung"),
        (b'"50\tms\x07"', "50 ms "),
        (b'"on fire \\ud83d"', "on fire \ufffd"),
        (b'"\\udc00\\ud83d\\ude80\\\\ud800"', "\ufffd\U0001f680\\ud800"),
        (b'\xef\xbb\xbf"ok"', "ok"),
    ],
)
def test_a_letter_that_is_wrongly_written_makes_no_json_worse(written: bytes, read: str) -> None:
    """A plugin in Latin-1, a shell that escapes nothing, a program that cuts an emoji in two: none loses an alert."""
    assert read == decode_json(written).text()


@pytest.mark.parametrize("written", [b"%FC", b"\xfc", b"%C3%BC", "\xfc".encode()])
def test_a_form_may_be_in_latin_1(written: bytes) -> None:
    """Each value for itself: one that is not UTF-8 spoils no other."""
    assert {"a": "\xfc", "b": "\xe9"} == decode_form(b"a=" + written + b"&b=%C3%A9").value


TEXTS = [("x", "x"), ("", ""), (7, "7"), (1.5, "1.5"), (True, "true"), (False, "false")]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_number_is_a_text_as_json_writes_it(value: object, text: str) -> None:
    assert text == Field(value).text()


@pytest.mark.parametrize("value", [[], {}, ["x"]])
def test_a_list_is_no_text(value: object) -> None:
    assert "is not a text" in complaint(lambda field: field.text(), Field(value))


@pytest.mark.parametrize(("value", "number"), [(7, 7), ("7", 7), (" -7 ", -7), (7.0, 7), ("+7", 7)])
def test_whole_numbers_may_be_written_as_text(value: object, number: int) -> None:
    assert number == Field(value).integer()


@pytest.mark.parametrize("value", ["", "7.5", 7.5, True, "seven", "٧", "9" * 30, [7]])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    assert "is not a whole number" in complaint(lambda field: field.integer(), Field(value))


AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *("2026-11-21T03:00:00Z", "2026-11-21T04:00:00+01:00", "2026-11-21 03:00:00+00:00"),
        *(1795230000, "1795230000", 1795230000.0, "1795230000.000", 1795230000_000, "1795230000000"),
    ],
)
def test_times_are_given_back_in_utc(value: object) -> None:
    assert AT == Field(value).time()


@pytest.mark.parametrize("value", ["2026-11-21T03:00:00", "yesterday", 10**18, "1e5"])
def test_a_time_without_a_zone_is_none(value: object) -> None:
    """Whose noon would it be?"""
    assert "is not a time" in complaint(lambda field: field.time(), Field(value))


def test_an_empty_time_stands_for_none() -> None:
    for value in ("", "0", 0, None):
        assert Field(value).epoch() is None
    assert AT == Field("").time(AT) == Field(None).epoch(AT)


def test_a_complaint_repeats_little_of_a_stranger() -> None:
    """A complaint ends in logs and on pages: short, and on one line."""
    assert "'a b'" == shown("a\n\tb")
    assert len(shown("x" * 10_000)) < 70
    assert "'[1,2]'" == shown([1, 2])


# ----------------------------------------------------------------------------------------------------- filled templates

TEMPLATE = '{"id": "7", "open": true, "count": 3, "who": {"name": "NAME", "seen": null}, "said": "SAID"}'
ONCE = ("id", "who")


def template_with(name: str, said: str) -> bytes:
    """As a tool fills it in: text into text."""
    return TEMPLATE.replace("NAME", name).replace("SAID", said).encode()


def test_a_template_that_gave_json_is_json() -> None:
    assert decode_json(template_with("Alice", "hello")) == decode_filled(template_with("Alice", "hello"), ONCE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('Alice "the" First', "hello"),
        ("Alice", 'so "hello", then: "bye"'),
        ("C:\\new", "two\nlines"),
        ('"', '"'),
        ("}", '"}'),
        ('"}], "', "\\"),
    ],
)
def test_what_broke_a_template_is_recovered_as_it_was_written(name: str, said: str) -> None:
    """All on one level: texts, and bare words as texts. Objects and nulls are not there."""
    body = template_with(name, said)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body)

    assert {"id": "7", "open": "true", "count": "3", "name": name, "said": said} == decode_filled(body, ONCE).value


def test_of_a_name_that_comes_twice_the_first_counts() -> None:
    """Also where a text made good JSON of it; what comes before the text cannot be changed by it."""
    forged = template_with("Alice", 'x", "id": "8')
    assert "8" == decode_json(forged)["id"].text()

    assert "7" == decode_filled(forged, ONCE)["id"].text()
    assert "7" == decode_filled(template_with("Alice", 'x", "id": "8\\'), ONCE)["id"].text()


def test_an_object_is_not_replaced_by_a_text() -> None:
    assert not decode_filled(template_with("Alice", 'x", "who": "mallory'), ONCE)["who"].present


def test_other_names_may_come_twice_in_json() -> None:
    body = b'{"id": 1, "parts": [{"x": 1}, {"x": 2}]}'

    assert 2 == decode_filled(body, ONCE)["parts"][1]["x"].integer()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b" \n", "it is empty"),
        ('{"id": 7}'.encode("utf-16"), "it is UTF-16"),
        (gzip.compress(b'{"id": 7}', mtime=0), "it is packed by gzip; send it as it is"),
        (b"<ticket/>", "it is XML or HTML"),
        (b"--x\r\nContent-Disposition: form-data", "it is a form of several parts"),
    ],
)
def test_what_was_posted_by_mistake_is_called_what_it_is(body: bytes, says: str) -> None:
    with pytest.raises(PayloadError, match=f"the body is not JSON: {says}"):
        decode_json(body)


def test_latin_1_is_read_where_it_is_no_utf_8() -> None:
    body = template_with("Jürgen", "schön").decode().encode("latin-1")

    assert ("Jürgen", "schön") == (decode_filled(body, ONCE)["name"].text(), decode_filled(body, ONCE)["said"].text())


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"ID": "7"', b'["id"', b"\xff\xfe"])
def test_what_has_none_of_the_names_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="the body is not JSON"):
        decode_filled(body, ONCE)


@given(name=st.text(max_size=40), said=st.text(max_size=40) | st.text('"\\{}[],: \n', max_size=20))
def test_no_text_changes_what_stands_before_it(name: str, said: str) -> None:
    read = decode_filled(template_with(name, said), ONCE)

    assert "7" == read["id"].text()
    assert "true" == read["open"].text()


@given(body=st.binary(max_size=80) | st.text('{}[]",:ab7 \\', max_size=80).map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    _complaint_or_nothing(lambda: decode_filled(body, ("a", "b")))


# ---------------------------------------------------------------------------------------------------------------- proof


@dataclass
class Asked:
    authorization: str

    def header(self, name: str) -> str:
        return self.authorization if name == "authorization" else ""


SECRETS = [Secret("old one"), Secret("né w")]


@pytest.mark.parametrize("header", ["Bearer old one", "bearer old one", "BEARER  né w "])
def test_any_of_the_secrets_will_do(header: str) -> None:
    """So that a secret can be changed without a gap."""
    proof.bearer(Asked(header), SECRETS)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic old one", "old one", "Bearer old", "Bearer old one2"]
)
def test_nothing_else_proves_anything(header: str) -> None:
    with pytest.raises(Unauthenticated) as raised:
        proof.bearer(Asked(header), SECRETS)

    assert "old one" not in str(raised.value)


@pytest.mark.parametrize("pair", ["anybody:old one", ":old one", "grafana:né w"])
def test_a_secret_may_be_a_password(pair: str) -> None:
    """Under any name, for tools that can send nothing else; the token is taken as ever."""
    proof.bearer_or_password(Asked(f"Basic {b64encode(pair.encode()).decode()}"), SECRETS)
    proof.bearer_or_password(Asked("Bearer old one"), SECRETS)


@pytest.mark.parametrize("header", ["", "Basic", "Basic old one", "Basic b2xkIG9uZQ==", "Basic /w==", "Bearer guessed"])
def test_no_password_proves_nothing(header: str) -> None:
    """Also not the secret as the name, nor what is no base64 or no text."""
    with pytest.raises(Unauthenticated):
        proof.bearer_or_password(Asked(header), SECRETS)
    with pytest.raises(Unauthenticated):
        proof.bearer_or_password(Asked("Basic Og=="), [Secret("x")])


@given(token=st.text(max_size=30))
def test_no_secret_lets_nobody_in(token: str) -> None:
    """Not even who sends nothing, or what is no text."""
    for header in (f"Bearer {token}", token, "Bearer None", "Bearer "):
        with pytest.raises(Unauthenticated):
            proof.bearer(Asked(header), [])


@given(ours=st.text(max_size=12), theirs=st.text(max_size=12))
def test_same_is_equal(ours: str, theirs: str) -> None:
    assert (ours == theirs) == proof.same(ours, theirs)
    assert proof.same(ours, ours)
    assert (ours == theirs) == (Secret(ours) == Secret(theirs))


def test_a_secret_shows_itself_only_by_name() -> None:
    secret = Secret("hunter2")

    assert "hunter2" == secret.reveal()
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {vars(Secret)}"
    assert 1 == len({secret, Secret("hunter2")})
    assert secret != "hunter2"


@pytest.mark.parametrize("decode", [decode_json, decode_form, lambda body: decode_filled(body, {"a"})])
def test_what_is_large_and_broken_is_refused_and_not_mended(decode: Callable[[bytes], Field]) -> None:
    """To mend it would take seconds, in which nothing else is done."""
    with pytest.raises(PayloadError):
        decode(b'{"a": "' + b"%22" * (LARGEST_FORM // 3 + 1))

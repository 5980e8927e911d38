"""Who is answered: those who know the address, on this machine, and who only read."""

import pytest

from tests.view.conftest import HOST, TOKEN, Ask


@pytest.mark.parametrize("path", ["/", "//", f"/{TOKEN[:-1]}/", f"/{TOKEN}x/", f"/x/{TOKEN}/", "/\u00e9\ud800/"])
def test_without_the_token_nothing_is_told(ask: Ask, path: str) -> None:
    answer = ask(path=path)
    assert answer.status == 404 and "suite view has printed" in answer.text and TOKEN not in answer.text


@pytest.mark.parametrize(
    "hosts", [("evil.example:8000",), ("127.0.0.1",), ("127.0.0.1:1",), (), (HOST, "evil.example")]
)
def test_another_name_of_this_machine_is_not_answered(ask: Ask, hosts: tuple[str, ...]) -> None:
    """A page elsewhere may let its own name lead to 127.0.0.1; the browser then sends that name."""
    assert ask(hosts=hosts).status == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_answered(ask: Ask, method: str) -> None:
    answer = ask(method=method)
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"


def test_every_answer_keeps_to_itself(ask: Ask) -> None:
    answers = [ask(), ask("nothing"), ask(path="/"), ask(hosts=("x",)), ask("live"), ask(method="HEAD")]
    assert [answer.status for answer in answers] == [200, 404, 404, 421, 200, 200]
    for answer in answers:
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_policy_of_a_page_allows_its_own_style_and_script(ask: Ask) -> None:
    policy = ask().headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src data:; connect-src 'self'; style-src 'sha256-")
    assert "unsafe" not in policy and "form-action 'self'" in policy

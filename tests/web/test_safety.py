import io
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import tables
from tests.web.conftest import find, picture
from web.__main__ import address, with_token
from web.observing import LOGGER, log_to
from web.options import WebOptions
from web.pages import STATIC
from web.security import HEADERS, RateLimit


@pytest.mark.parametrize("path", tables(__file__)["paths"])
def test_every_answer_has_the_headers(client, path):
    answer = client.get(path)
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Cache-Control" in answer.headers
    assert "server" not in answer.headers


def test_the_policy_is_strict_and_the_page_keeps_to_it():
    policy = HEADERS["Content-Security-Policy"]
    assert not {"'unsafe-inline'", "'unsafe-eval'"} & set(policy.replace(";", "").split())
    assert policy.startswith("default-src 'none';")
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=\"/static/)", page)
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        outside = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not outside, f"{file.name} asks another server: {outside}"
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text
        ), file.name


@pytest.mark.parametrize("path", tables(__file__)["no_files"])
def test_only_files_of_the_page_are_served(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]
    (first, *_) = client.get("/api/about").json()["examples"]
    assert client.get(first).headers["content-type"] == "image/jpeg"


def test_foreign_hosts_and_other_pages_are_refused(client):
    assert client.get("/api/about", headers={"Host": "evil.example"}).status_code == 421
    assert client.get("/api/about", headers={"Host": "[::1]:8000"}).status_code == 200
    assert client.post("/api/detections", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_anything_but_loopback_needs_the_token(serve):
    client = serve(host="0.0.0.0", access_token="a-long-access-token")
    assert client.get("/health").status_code == client.get("/ready").status_code == 200
    for path in ("/", "/api/about", "/static/page.js", "/nowhere"):
        assert client.get(path).status_code == 401
        assert client.get(f"{path}?token=wrong").status_code == 401
    bearer = {"Authorization": "Bearer a-long-access-token"}
    assert client.get("/api/about", headers=bearer).status_code == 200
    answer = client.get("/?token=a-long-access-token", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert client.get("/api/about").status_code == 200  # with the cookie


def test_a_token_is_made_where_none_was_given_and_must_be_long(monkeypatch):
    monkeypatch.delenv("ANIME_SSD_TOKEN", raising=False)
    assert with_token(WebOptions()).access_token == ""
    assert len(with_token(WebOptions(host="0.0.0.0")).access_token) >= 32
    monkeypatch.setenv("ANIME_SSD_TOKEN", "x" * 16)
    assert with_token(WebOptions()).access_token == "x" * 16
    with pytest.raises(ValueError, match="shorter than 16 characters"):
        with_token(WebOptions(access_token="short"))


def test_a_name_of_the_page_means_that_others_reach_it(monkeypatch, serve):
    monkeypatch.delenv("ANIME_SSD_TOKEN", raising=False)
    options = with_token(WebOptions(allowed_hosts=("faces.example.org",)))
    assert len(options.access_token) >= 32
    assert address(options) == f"http://faces.example.org:8000/?token={options.access_token}"
    client = serve(allowed_hosts=("faces.example.org",), access_token=options.access_token)
    for host, status in (("faces.example.org", 401), ("localhost", 401), ("evil.example", 421)):
        assert client.get("/api/about", headers={"Host": host}).status_code == status
    # A probe asks by number.
    assert client.get("/ready", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_the_printed_address_can_be_opened_and_does_not_repeat_a_chosen_token():
    assert address(WebOptions()) == "http://127.0.0.1:8000/"
    assert address(WebOptions(host="::1")) == "http://[::1]:8000/"
    everywhere = address(WebOptions(host="0.0.0.0", access_token="x" * 16))
    assert everywhere.endswith(":8000/?token=YOUR_TOKEN")
    assert "0.0.0.0" not in everywhere


def test_the_rate_is_limited_and_recovers(serve):
    client = serve(requests_per_minute=5)
    codes = [client.get("/api/about").status_code for _ in range(8)]
    assert codes == [200] * 5 + [429] * 3
    answer = client.get("/api/about")
    assert 1 <= int(answer.headers["retry-after"]) <= 12  # on a slow machine less is left of them
    assert client.get("/health").status_code == 200


def test_addresses_are_counted_apart_and_buckets_fill_again():
    now = [0.0]
    limit = RateLimit(60, clock=lambda: now[0])
    assert [limit.take("a") for _ in range(60)] == [0.0] * 60
    assert limit.take("a") == pytest.approx(1.0)
    assert limit.take("b") == 0.0
    now[0] = 1.5
    assert limit.take("a") == 0.0
    assert limit.take("a") == pytest.approx(0.5)
    for number in range(20_000):
        limit.take(f"10.0.{number}")
    assert len(limit._left) <= 10_000


def test_log_lines_are_json_without_names_tokens_or_pictures(serve, monkeypatch):
    monkeypatch.setattr(LOGGER, "handlers", [])
    written = io.StringIO()
    log_to(written)
    client = serve(host="0.0.0.0", access_token="a-long-access-token")
    client.get("/?token=a-long-access-token")
    client.post(
        "/api/reports",
        files={"picture": ("secret.png", picture())},
        data={"report": '{"consent": true, "boxes": [{"box": [0,0,9,9], "name": "Secret"}]}'},
    )
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {line["event"] for line in lines} == {"request"}
    assert lines[-1]["route"] == "/api/reports"
    assert lines[-1]["status"] == 201
    assert all(len(line["request"]) == 32 and line["time"].startswith("20") for line in lines)
    text = json.dumps(lines).lower()
    assert "secret" not in text
    assert "a-long-access-token" not in text


def test_ready_only_while_it_can_work(client):
    assert client.get("/ready").status_code == 200
    client.app.state.services.ready = False
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200


def test_stopping_finishes_what_has_begun(client, detector):
    detector.go.clear()
    services = client.app.state.services
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(find, client, picture())
        while detector.waiting == 0:
            pass
        services.batcher.close()
        detector.go.set()
        assert begun.result().status_code == 200
    answer = find(client, picture())
    assert answer.status_code == 503
    assert "stopping" in answer.json()["error"]

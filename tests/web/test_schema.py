"""A fuzz of the API from its own schema: whatever is sent, no 500, and every answer as the schema says."""

import socket
import threading
import time

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import checks

from tests.web.conftest import picture
from web.options import WebOptions
from web.pages import create_app
from web.services import Services

CHECKS = [checks.not_a_server_error, checks.response_schema_conformance, checks.status_code_conformance]


@pytest.fixture
def schema(detector, inbox):
    """The schema of a server that runs in a thread."""
    options = WebOptions(browser=False, requests_per_minute=0)
    app = create_app(Services(options, detector, inbox))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield schemathesis.openapi.from_url(f"http://127.0.0.1:{listening.getsockname()[1]}/api/openapi.json")
    server.should_exit = True
    thread.join()
    listening.close()


def fuzz(operation, examples):
    """Sends what the schema allows; half of the pictures are real, to reach what comes after decoding."""
    statuses = set()

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(case=operation.as_strategy())
    def run(case):
        if isinstance(case.body, dict) and len(repr(case.body)) % 2:
            for name, real in (("picture", picture()), ("pictures", [picture()])):
                if name in case.body:
                    case.body[name] = real
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        statuses.add(answer.status_code)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error"}

    run()
    return statuses


@pytest.mark.parametrize("examples", [10, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", ["/api/detections", "/api/answers", "/api/reports"])
def test_posts(schema, path, examples):
    assert fuzz(schema[path]["POST"], examples) <= {200, 201, 400, 413, 415, 422}

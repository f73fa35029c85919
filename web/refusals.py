"""A request that is not served: a status and one sentence, as JSON, whatever went wrong."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Refused(HTTPException):
    """The visitor's request is refused with a status; the sentence says why."""


def busy(sentence: str, seconds: int) -> Refused:
    """What is raised where the visitor may come back in so many seconds."""
    return Refused(503, sentence, headers={"Retry-After": str(seconds)})


def refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a refused request."""
    return JSONResponse({"error": sentence}, status, headers)


def handle_refusals(app: FastAPI) -> None:
    """Make every error of an application an answer of this kind."""

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return refusal(error.status_code, str(error.detail), dict(error.headers or {}) or None)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return refusal(422, f"{where or 'The request'}: {first['msg']}.")

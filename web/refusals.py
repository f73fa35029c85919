"""A request that is not served: a status and one sentence, as JSON, whatever went wrong."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Refused(HTTPException):
    """The visitor's request is refused; the sentence says why."""

    def __init__(self, status: int, sentence: str, *, headers: dict[str, str] | None = None):
        super().__init__(status, sentence, headers)


def refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a refused request."""
    return JSONResponse({"error": sentence}, status, headers)


def handle_refusals(app: FastAPI) -> None:
    """Make every error of an application an answer of this kind."""

    async def http_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return refusal(error.status_code, str(error.detail), dict(error.headers or {}) or None)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return refusal(422, f"{where or 'The request'}: {first['msg']}.")

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)

"""A process that has imported what a plain daemon would be made of: says so, and stays until stdin closes."""

import sys

import fastapi
import httpx
import sqlalchemy
import typer
import uvicorn

PACKAGES = (fastapi, httpx, sqlalchemy, typer, uvicorn)


if __name__ == "__main__":
    print('{"ready": true}', flush=True)
    sys.stdin.read()

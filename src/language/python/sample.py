"""Shapes, and what is made of them."""

from __future__ import annotations

import os.path
from typing import NewType, Protocol

__all__ = ["Shape", "area"]

LIMIT = 3
shapes: dict[str, "Shape"] = {}
Name = NewType("Name", str)
_cache = {}


class Shape(Protocol):
    """Something that has an area."""

    sides: int = 0
    name = "shape"

    def __init__(self, name: str, *, sides: int = 0) -> None:
        self.name = name
        self.tags: list[str] = []

    @property
    def area(self) -> float:
        """The area."""
        return 0.0

    async def load(self, path: os.PathLike, /, *rest, **options):
        # Read it all.
        async with open(path) as file:
            return file.read()

    class Error(Exception):
        pass


def area(shape: Shape, unit="m") -> float:
    def scaled(value):
        return value * 2

    if unit == "m":
        return shape.area
    return scaled(shape.area)


def each(shapes):
    for shape in shapes:
        yield shape.area


try:
    import numpy
except ImportError:
    def fallback(a, b):
        return a + b


class TestShape:
    def test_area(self):
        assert area(None) == 0

"""The region file: the authority's list of schools, read as strictly as a pack."""

from __future__ import annotations

from agent.model.region import Region
from agent.packs.validate import validate
from agent.packs.yaml_source import parse

__all__ = ["parse_region"]


def parse_region(data: bytes, name: str) -> Region:
    """Read a region file from bytes.

    Args:
        data: the YAML text.
        name: what errors call the file.

    Raises:
        PackError: with every fault of the file, by line and column.
    """
    return validate(parse(data, name), Region)

"""Files that describe the project: they agree with pyproject.toml and with what is in the repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_citation_has_the_fields_of_cff_1_2_0_and_the_present_version() -> None:
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(content)
    assert (content["cff-version"], content["type"]) == ("1.2.0", "software")
    # An author without given and family names is an entity, which has a name.
    assert content["authors"] == [{"name": "The trigcnn authors"}]
    assert content["version"] == PROJECT["version"]
    assert content["license"] == PROJECT["license"]["text"]


def test_what_the_guide_for_contributors_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    folders = re.findall(r"^\| `(\w+/)` \|", text, re.MULTILINE)
    assert folders
    assert [path for path in (*links, *folders) if not (ROOT / path).exists()] == []
    targets = set(re.findall(r"`?make ([a-z]+)", text))
    assert targets
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

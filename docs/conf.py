"""How Sphinx builds the site from this folder; nothing is fetched, and no notebook is run."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "trigcnn"
author = "The trigcnn authors"
version = release = installed_version("trigcnn")
html_title = f"trigcnn {release}"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    # Ours, in `extensions/`.
    "docstrings",
    "generated",
]
# The page of the tutorial is its executed notebook, which `make notebook` makes of tutorial.md.
exclude_patterns = ["tutorial.md", "README.md"]
nb_execution_mode = "off"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
# Titles as a code host makes anchors of them: links to them are right in both places.
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

nitpicky = True
# Names in annotations: other projects cannot be looked up without a network, and not every type of ours has a page.
nitpick_ignore_regex = [(r"py:(class|data|exc|obj)", r".*")]

html_theme = "furo"
html_show_sourcelink = False
html_copy_source = False

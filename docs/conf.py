"""Sphinx's settings. Reference pages are made from the code before each build: see generate.py."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402 - it stands beside this file

from hdqm_ops import __version__  # noqa: E402

project = "HDQM"
author = "the HDQM developers"
copyright = author  # noqa: A001 - Sphinx asks for this name
version = release = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "pictures"]
myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 4
myst_links_external_new_tab = True

html_theme = "furo"
html_title = f"HDQM {release.partition('+')[0]}"
html_theme_options = {
    "source_directory": "docs/",
    # Nothing is fetched when a page is read: no fonts, no scripts of others.
    "light_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
    "dark_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
}
html_static_path = ["_static"]
html_css_files = ["hdqm.css"]
html_copy_source = False
html_show_sourcelink = False


def setup(app):  # noqa: ANN001, ANN201 - Sphinx calls it
    """Make the generated pages, from this checkout."""
    app.connect("builder-inited", lambda _app: generate.write(HERE / "reference"))

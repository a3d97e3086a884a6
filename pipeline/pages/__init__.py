"""Reports: `report.json` is the source; the Markdown and HTML pages are made from it."""

"""Reports of earlier format versions, brought to the present one."""

from __future__ import annotations

from typing import Any


def upgraded(content: Any) -> Any:
    """Return a report's content in the present format; what is not a report of an earlier version stays as it is.

    Version 1 told the fix of a finding as text only, such as `remove hls.layers.conv1.precision.accum`, and neither
    the role of the number format to blame nor examples. Of an axis it did not tell the zeros of a padding layer.
    Reports of trigcnn 0.1.0 named layers in which float32 may round (`wide`), without bounds.
    """
    if not isinstance(content, dict):
        return content
    if isinstance(content.get("rewriting"), dict):
        rewriting = {name: value for name, value in content["rewriting"].items() if name != "wide"}
        content = {**content, "rewriting": rewriting}
    if content.get("schema_version") != 1:
        return content
    findings = [_finding(dict(finding)) for finding in content.get("diagnosis", [])]
    layers = [
        {**layer, "axes": [{"blank": 0, **axis} for axis in layer["axes"]]} for layer in content.get("geometry", [])
    ]
    return {**content, "schema_version": 2, "diagnosis": findings, "geometry": layers}


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    text = finding.pop("mend")
    option, _, value = text.removeprefix("remove ").partition(": ")
    return {"where": "not recorded", **finding, "fix": {"option": option, "value": value or None}}

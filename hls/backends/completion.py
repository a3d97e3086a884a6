"""What hls4ml leaves out of its projects for some back ends, or has wrong there.

- Tables of activations have no C++ for Intel's tools and for Catapult.
- In io_stream for Intel's tools, each layer saves the result of the last one, in simulation.
- Catapult's projects hold the folder in which they were written.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from hls.options import Backend, HlsOptions

_HEADER = "nnet_utils/nnet_unary_lut.h"
_FIRMWARE = Path(__file__).parent / "firmware"
_OWN_TABLES: tuple[Backend, ...] = ("Quartus", "Catapult")
_CONFIGURATION = """struct unary_lut_config{index} : nnet::activ_config {{
    static const unsigned n_in = {n_in};
    static const unsigned table_size = {table_size};
    static const unsigned io_type = nnet::{io_type};
    static const unsigned reuse_factor = {reuse_factor};
    typedef {table_t.name} table_t;
}};
"""


def complete_graph(hls_model: Any, options: HlsOptions) -> None:
    """Let the layers call what is added to the project; before hls4ml writes it."""
    if options.backend not in _OWN_TABLES:
        return
    for node in hls_model.get_layers():
        if node.class_name == "UnaryLUT":
            node.set_attr("include_header", [*node.get_attr("include_header"), _HEADER])
            node.set_attr("config_cpp", _configuration(node, options))


def _configuration(node: Any, options: HlsOptions) -> str:
    numbers = {name: node.get_attr(name) for name in ("n_in", "table_size", "reuse_factor", "table_t")}
    return _CONFIGURATION.format(index=node.index, io_type=options.io_type, **numbers)


def complete_project(hls_model: Any, options: HlsOptions, project: Path) -> None:
    """Add to what hls4ml wrote, and mend it."""
    if options.backend in _OWN_TABLES:
        shutil.copy(_FIRMWARE / options.backend.lower() / Path(_HEADER).name, project / "firmware" / _HEADER)
    _name_saved_results(hls_model, project)
    if options.backend == "Catapult":
        _let_it_be_moved(hls_model.config.get_project_name(), project)


_SAVED = re.compile(r'nnet::save_layer_output<.*>\(\w+, "(?P<layer>\w+)", .*\);')


def _name_saved_results(hls_model: Any, project: Path) -> None:
    """Let each layer save its own result."""
    path = project / "firmware" / f"{hls_model.config.get_project_name()}.cpp"
    variables = {node.name: node.get_output_variable(node.outputs[0]) for node in hls_model.get_layers()}

    def saved(found: re.Match[str]) -> str:
        variable = variables[found["layer"]]
        arguments = f'{variable.name}, "{found["layer"]}", {variable.size_cpp()}'
        return f"nnet::save_layer_output<{variable.type.name}>({arguments});"

    path.write_text(_SAVED.sub(saved, path.read_text()))


def _let_it_be_moved(name: str, project: Path) -> None:
    """Take the folder out of a project for Catapult, whose simulation reads its weights and test bench from files."""
    _replace(project / f"{name}_bridge.cpp", r'"[^"]*/firmware/weights"', 'PROJECT_FOLDER "/firmware/weights"')
    given = r"-c ${PROJECT}_bridge.cpp"
    _replace(project / "build_lib.sh", re.escape(given), f'-D PROJECT_FOLDER="\\\\"$PWD\\\\"" {given}')
    for role, file in (("inputs", "tb_input_features"), ("outputs", "tb_output_predictions")):
        _replace(project / "build_prj.tcl", rf"\$sfd/tb_data/[^ \"]*test_bench_{role}\.npy", f"$sfd/tb_data/{file}.dat")


def _replace(path: Path, pattern: str, text: str) -> None:
    path.write_text(re.sub(pattern, text, path.read_text()))

"""Fixes for what hls4ml leaves out of its projects, or writes wrongly, with some back ends.

- Tables of activations have no C++ for Intel's tools and for Catapult.
- In io_stream for Intel's tools, each layer saves the result of the last one in simulation.
- Depthwise convolutions of series have the include guard of those of images, so that both do not compile together.
- Catapult's projects contain the path of the folder in which they were written.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trigcnn.common.files import copy_tree
from trigcnn.hls import backends
from trigcnn.hls.options import Backend, HlsOptions

_HEADER = "nnet_utils/nnet_unary_lut.h"
# Files that are added to projects.
_FILES = Path(backends.__file__).parent
_SIMULATED: dict[Backend, tuple[str, ...]] = {"Libero": ("vivado/ap_types",), "oneAPI": ("quartus/ac_types",)}
"""Which of hls4ml's templates stands in for the number types of a vendor's own library."""
_OWN_TABLES: tuple[Backend, ...] = ("Quartus", "oneAPI", "Catapult")
_CONFIGURATION = """struct unary_lut_config{index} : nnet::activ_config {{
    static const unsigned n_in = {n_in};
    static const unsigned table_size = {table_size};
    static const unsigned io_type = nnet::{io_type};
    static const unsigned reuse_factor = {reuse_factor};
    typedef {table_t} table_t;
}};
"""
_TASK = "task_sequence<nnet::unary_lut_stream<{given}, {result}, unary_lut_config{index}>> {name};"


def unread_options(backend: Backend) -> dict[str, Any]:
    """Return options that hls4ml requires for a back end, although they do not reach the project."""
    # hls4ml would look for the tool; the one file that names its folder is removed.
    return {"smarthls_path": "SmartHLS"} if backend == "Libero" else {}


@contextlib.contextmanager
def without_missing_templates(hls_model: Any, options: HlsOptions) -> Iterator[None]:
    """Keep hls4ml from failing on Libero's `build_lib.sh`, which its package lacks; it is read last."""
    writer = hls_model.config.backend.writer
    if options.backend == "Libero":
        whole = writer.write_build_script

        def write_build_script(model: Any) -> None:
            with contextlib.suppress(FileNotFoundError):
                whole(model)

        writer.write_build_script = write_build_script
    try:
        yield
    finally:
        vars(writer).pop("write_build_script", None)


def complete_graph(hls_model: Any, options: HlsOptions) -> None:
    """Make the layers call what is added to the project; before hls4ml writes it."""
    for node in hls_model.get_layers():
        if node.class_name != "UnaryLUT":
            continue
        if options.backend in _OWN_TABLES:
            node.set_attr("include_header", [*node.get_attr("include_header"), _HEADER])
        if not node.get_attr("config_cpp"):
            node.set_attr("config_cpp", _configuration(node, options))
        if options.backend == "oneAPI" and options.io_type == "io_stream":
            given, result = node.get_input_variable().pipe_name, node.get_output_variable().pipe_name
            task = _TASK.format(given=given, result=result, index=node.index, name=node.name)
            node.set_attr("task_sequence_cpp", task)
            node.set_attr("stream_function_cpp", f"{node.name}.async({node.get_weights('table').name});")


def _configuration(node: Any, options: HlsOptions) -> str:
    numbers = {name: node.get_attr(name) for name in ("n_in", "table_size", "reuse_factor")}
    table = node.get_weights("table").type.name
    return _CONFIGURATION.format(index=node.index, io_type=options.io_type, table_t=table, **numbers)


def complete_project(hls_model: Any, options: HlsOptions, project: Path) -> None:
    """Add what hls4ml left out of a project, and fix what it wrote wrongly."""
    _separate_include_guards(project)
    if options.backend in _OWN_TABLES:
        shutil.copy(_FILES / "firmware" / options.backend.lower() / Path(_HEADER).name, _firmware(project) / _HEADER)
    if options.backend == "oneAPI":
        _save_results_of_pipes(hls_model, options, project)
    else:
        _name_saved_results(hls_model, project)
    if options.backend in _SIMULATED:
        _let_it_be_simulated(options.backend, hls_model.config.get_project_name(), project)
    if options.backend == "Libero":
        _write_whole_outputs(hls_model, project)
    if options.backend == "Catapult":
        _let_it_be_moved(hls_model.config.get_project_name(), project)


def _separate_include_guards(project: Path) -> None:
    header = _firmware(project) / "nnet_utils" / "nnet_sepconv1d_latency.h"
    if header.is_file():
        _replace(header, "NNET_SEPARABLE_CONV2D_LATENCY_H_", "NNET_SEPARABLE_CONV1D_LATENCY_H_")


def _firmware(project: Path) -> Path:
    return next(path for path in (project / "firmware", project / "src" / "firmware") if path.is_dir())


_SAVED = re.compile(r'nnet::save_layer_output<.*>\(\w+, "(?P<layer>\w+)", .*\);')


def _name_saved_results(hls_model: Any, project: Path) -> None:
    """Make each layer save its own result."""
    path = _firmware(project) / f"{hls_model.config.get_project_name()}.cpp"
    variables = {node.name: node.get_output_variable(node.outputs[0]) for node in hls_model.get_layers()}

    def saved(found: re.Match[str]) -> str:
        variable = variables[found["layer"]]
        arguments = f'{variable.name}, "{found["layer"]}", {variable.size_cpp()}'
        return f"nnet::save_layer_output<{variable.type.name}>({arguments});"

    path.write_text(_SAVED.sub(saved, path.read_text()))


def _write_whole_outputs(hls_model: Any, project: Path) -> None:
    """Copy as many values to an output as it has; hls4ml copies as many as the last input has."""
    path = _firmware(project) / f"{hls_model.config.get_project_name()}.cpp"
    for output in hls_model.get_output_variables():
        copied = rf"i < \w+(; i\+\+\) {{\s*{output.name}_struct\.data\[i\] = )"
        _replace(path, copied, rf"i < {output.size_cpp()}\1")


_SAVING_ARRAY = """#ifdef SIMULATED_SYCL
    nnet::save_layer_output({variable}.data(), "{layer}", {size});
#endif"""
_SAVING_PIPE = """#ifdef SIMULATED_SYCL
    {{
        std::vector<typename {type}::value_type> values;
        for (const auto &word : {pipe}::values())
            values.insert(values.end(), word.begin(), word.end());
        nnet::save_layer_output(values.data(), "{layer}", std::min<size_t>(values.size(), {size}));
    }}
#endif"""


def _save_results_of_pipes(hls_model: Any, options: HlsOptions, project: Path) -> None:
    """Make each layer save its own result, in simulation with g++ only: hls4ml writes invalid C++ here."""
    template = _SAVING_PIPE if options.io_type == "io_stream" else _SAVING_ARRAY
    variables = {node.name: node.get_output_variable(node.outputs[0]) for node in hls_model.get_layers()}

    def saved(found: re.Match[str]) -> str:
        variable = variables[found["layer"]]
        return template.format(
            layer=found["layer"],
            variable=variable.name,
            type=variable.type.name,
            pipe=getattr(variable, "pipe_name", ""),
            size=variable.size_cpp(),
        )

    block = rf"#ifndef HLS_SYNTHESIS\n\s*{_SAVED.pattern}\n#endif"
    _replace(_firmware(project) / f"{hls_model.config.get_project_name()}.cpp", block, saved)


def _let_it_be_simulated(backend: Backend, name: str, project: Path) -> None:
    """Add a script that compiles the C++ with g++, and headers in place of the vendor's."""
    import hls4ml

    added = project / "simulation"
    copy_tree(_FILES / "simulation" / backend.lower(), added)
    for types in _SIMULATED[backend]:
        copy_tree(Path(hls4ml.__file__).parent / "templates" / types, added / Path(types).name)
    script = added / "build_lib.sh"
    (project / script.name).write_text(script.read_text().replace("myproject", name))
    script.unlink()
    (project / "Makefile.compile").unlink(missing_ok=True)


def _let_it_be_moved(name: str, project: Path) -> None:
    """Remove the folder's path from a project for Catapult, whose simulation reads weights and events from files."""
    _replace(project / f"{name}_bridge.cpp", r'"[^"]*/firmware/weights"', 'PROJECT_FOLDER "/firmware/weights"')
    given = r"-c ${PROJECT}_bridge.cpp"
    _replace(project / "build_lib.sh", re.escape(given), f'-D PROJECT_FOLDER="\\\\"$PWD\\\\"" {given}')
    for role, file in (("inputs", "tb_input_features"), ("outputs", "tb_output_predictions")):
        _replace(project / "build_prj.tcl", rf"\$sfd/tb_data/[^ \"]*test_bench_{role}\.npy", f"$sfd/tb_data/{file}.dat")


def _replace(path: Path, pattern: str, text: str | Callable[[re.Match[str]], str]) -> None:
    path.write_text(re.sub(pattern, text, path.read_text()))

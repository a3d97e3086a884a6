"""The configuration: every option once, and messages that name the key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from trigcnn.hls.options import HlsOptions, LayerOptions
from trigcnn.pipeline.config.file import load, validate
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.errors import ConfigError

DIGITS = Path(__file__).parents[2] / "configs" / "digits.yaml"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text("name: tiny\n")
    return path


def error_of(path: Path, *assignments: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, list(assignments))
    return str(caught.value)


def test_only_the_name_is_required() -> None:
    with pytest.raises(ConfigError, match=r"^here: the configuration cannot be used:\n  - name: Field required"):
        validate({}, "here")
    config = validate({"name": "tiny"}, "here")
    assert config == RunConfig(name="tiny")
    assert (config.seed, config.data.source, config.model.source) == (1, "digits", "lenet")
    assert (config.hls.backend, config.hls.clock_period_ns, config.rtl.architecture) == ("Vitis", 5.0, "auto")
    assert (config.gates.exact, config.gates.max_accuracy_drop, config.gates.min_accuracy) == (True, 0.01, None)


def test_every_option_and_every_section_is_documented() -> None:
    schema = RunConfig.model_json_schema()
    found = {"RunConfig": schema, **schema["$defs"]}
    assert {"HlsOptions", "LayerOptions"} < set(found)
    for title, section in found.items():
        assert section["description"], title
        for name, option in section["properties"].items():
            assert "$ref" in option or option["description"], f"{title}.{name}"


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(RunConfig(name="tiny"), "seed", 3)  # noqa: B010 - mypy knows that it is frozen


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"trianing": {}}, "trianing: unknown key; did you mean training?"),
        ({"training": {"epoch": 3}}, "training.epoch: unknown key; did you mean training.epochs?"),
        (
            {"hls": {"layers": {"conv1": {"reuse_facter": 3}}}},
            "hls.layers.conv1.reuse_facter: unknown key; did you mean hls.layers.conv1.reuse_factor?",
        ),
        (
            {"hls": {"layers": {"strategy": {"xyz": 3}}}},
            "hls.layers.strategy.xyz: unknown key; choose from strategy, reuse_factor",
        ),
        (
            {"gates": {"zzz": 1}},
            "gates.zzz: unknown key; choose from max_accuracy_drop, min_accuracy, ",
        ),
        (
            {"zzz": 1},
            "zzz: unknown key; choose from name, seed, data, model, training, preprocessing, postprocessing, hls",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate({"name": "tiny", **content}, "here")
    assert f"\n  - {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.epochs=0", "training.epochs: Input should be greater than or equal to 1 (found 0)"),
        ("training.epochs=2.5", "training.epochs: Input should be a valid integer"),
        ("training.epochs=many", "(found 'many')"),
        ("preprocessing=[{shift: 1.5}]", "preprocessing.0.shift: Input should be a valid integer"),
        ("preprocessing=[{shift: [1, 99]}]", "preprocessing.0.shift.1: Input should be less than or equal to 24"),
        ("preprocessing=[{offset: many}]", "preprocessing.0.offset: must match its description: Subtracted from"),
        ("training.learning_rate=.inf", "training.learning_rate: Input should be a finite number (found inf)"),
        ("hls.clock_period_ns=.inf", "hls.clock_period_ns: Input should be a finite number (found inf)"),
        ("hls.clock_period_ns=.nan", "hls.clock_period_ns: Input should be"),
        ("hls.clock_period_ns=-5", "hls.clock_period_ns: Input should be greater than or equal to 0.1 (found -5)"),
        (
            "synthesis.vendor_steps=[synthesis]",
            "synthesis.vendor_steps.0: Input should be 'csim', 'cosim', 'export', 'logic-synthesis' or",
        ),
        (
            "synthesis.vendor_fatal_warnings=[Timing]",
            "synthesis.vendor_fatal_warnings.0: must match its description: Ids of",
        ),
        (
            "hls.backend=Quartz",
            "hls.backend: Input should be 'Vitis', 'Vivado', 'Quartus', 'oneAPI', 'Catapult' or 'Libero' (found "
            "'Quartz')",
        ),
        (
            "rtl.architecture=null",
            "rtl.architecture: Input should be 'auto', 'parallel', 'streaming' or 'none' (found None)",
        ),
        ("gates.exact=maybe", "gates.exact: Input should be a valid boolean"),
        ("gates.min_accuracy=97", "gates.min_accuracy: Input should be less than or equal to 1 (found 97)"),
        ("data.classes=jet", "data.classes: must match its description: In a file: names of the classes, or by output"),
        ("data.test_fraction=1", "data.test_fraction: Input should be less than 1 (found 1)"),
        ("seed=2147483648", "seed: Input should be less than 2147483648"),
        ("training=3", "training: Input should be a valid dictionary"),
        ("model.source=[lenet]", "model.source: Input should be a valid string (found ['lenet'])"),
        ("hls.layers.conv1.reuse_factor=0", "hls.layers.conv1.reuse_factor: Input should be greater"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(path: Path, assignment: str, message: str) -> None:
    found = error_of(path, assignment)
    assert found.startswith(f"{path}: the configuration cannot be used:\n  - {assignment.partition('=')[0]}")
    assert message in found


def test_every_problem_is_listed_at_once(path: Path) -> None:
    found = error_of(path, "training.epochs=0", "hls.part=3", "sede=1")
    assert re.findall(r"^  - ([\w.]+): ", found, re.MULTILINE) == ["training.epochs", "hls.part", "sede"]


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (
            ("hls.backend=Catapult", "synthesis.vendor_steps=[implementation]"),
            "synthesis.vendor_steps: the flow of Catapult has no step implementation; choose from cosim, csim, "
            "logic-synthesis",
        ),
        (
            ("rtl.architecture=none", "synthesis.vendor_rtl=implementation"),
            "synthesis.vendor_rtl: there is no RTL to synthesize; set rtl.architecture: auto",
        ),
        (
            ("hls.backend=Quartus", "hls.part=Arria10", "synthesis.yosys=false", "synthesis.vendor_rtl=implementation"),
            "synthesis.vendor_rtl: Vivado knows only AMD's parts, not hls.part: Arria10",
        ),
    ],
)
def test_a_vendor_s_flow_that_cannot_be_is_refused(path: Path, assignments: tuple[str, ...], message: str) -> None:
    assert message in error_of(path, *assignments)


@pytest.mark.parametrize(
    "name", ["Digits", "8x8", "my-net", "my net", "", "../net", "a/b", "a\\b", ".", "é", "_a", "a" * 41, "a\n"]
)
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(
        ConfigError,
        match=r"\n  - name: (must match its description: Name of the run|String should have at most)",
    ):
        validate({"name": name}, "here")


@pytest.mark.parametrize("name", ["module", "class", "int", "wire", "reg", "namespace", "endmodule"])
def test_a_name_that_is_a_keyword_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"name: '{name}' is a reserved word of C\+\+ or Verilog"):
        validate({"name": name}, "here")


@pytest.mark.parametrize("name", ["a", "digits_2", "module1", "a" * 40])
def test_other_names_are_taken(name: str) -> None:
    assert validate({"name": name}, "here").name == name


@pytest.mark.parametrize(
    "text",
    ["name: [tiny", "name: a: b", "\tname: tiny", "name: tiny\x07", "? [1]\n: 2", "name: 2024-13-45", "[" * 5000],
)
def test_broken_yaml_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    assert error_of(path).startswith(f"{path}: is not valid YAML: ")


@pytest.mark.parametrize(
    ("text", "kind"), [("- name\n- tiny", "list"), ("tiny", "str"), ("", "NoneType"), ("# nothing", "NoneType")]
)
def test_yaml_without_keys_is_refused(path: Path, text: str, kind: str) -> None:
    path.write_text(text)
    assert error_of(path) == f"{path}: must contain keys and values (such as 'name: digits'), but contains a {kind}"


def test_a_key_that_is_no_text_is_refused(path: Path) -> None:
    path.write_text("name: tiny\n1: 2\n")
    assert "\n  - 1: Keys should be strings" in error_of(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    found = error_of(tmp_path / "none.yaml")
    assert re.search(r"none.yaml: cannot be read: .*No such file.*; give the path of a YAML configuration", found)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: it is a folder; give the path of" in error_of(tmp_path)


def test_a_binary_file_is_refused(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe")
    assert "is not valid YAML: byte 0 is not UTF-8" in error_of(path)
    path.write_bytes(b"PK\x03\x04\x00\x00")
    assert "is not valid YAML: unacceptable character" in error_of(path)


def test_an_assignment_changes_an_option(path: Path) -> None:
    path.write_text("name: tiny\ntraining: {epochs: 3, batch_size: 8}\ndata:\n")
    assignments = [
        "training.epochs=7",
        "hls.layers.conv1.reuse_factor=4",
        "data.classes=[a, b]",
        "data.saturate=true",
        "gates.max_accuracy_drop=null",
        "model.options.filters=[2, 3]",
        "training.learning_rate=1e-3",
        "data.source=a=b",
        "name=other",
    ]
    config = load(path, assignments)
    assert (config.name, config.training.epochs, config.training.batch_size) == ("other", 7, 8)
    assert config.hls.layers == {"conv1": LayerOptions(reuse_factor=4)}
    assert (config.data.classes, config.data.saturate) == (["a", "b"], True)
    assert config.gates.max_accuracy_drop is None
    assert config.model.options == {"filters": [2, 3]}
    assert config.training.learning_rate == 0.001
    assert config.data.source == "a=b"


def test_the_last_assignment_counts(path: Path) -> None:
    assert load(path, ["seed=2", "seed=3"]).seed == 3


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.epochs", "--set training.epochs: write key.path=value, for example training.epochs=10"),
        ("=3", "--set =3: write key.path=value"),
        ("training..epochs=3", "--set training..epochs=3: write key.path=value"),
        (".seed=3", "--set .seed=3: write key.path=value"),
        ("name.first=3", "--set name.first=3: name holds a value, not keys"),
        ("data.classes=[a", "--set data.classes=[a: is not valid YAML: "),
        ("seed=2024-13-45", "--set seed=2024-13-45: is not valid YAML: "),
    ],
)
def test_a_malformed_assignment_is_refused(path: Path, assignment: str, message: str) -> None:
    assert error_of(path, assignment).startswith(message)


def test_an_unknown_key_in_an_assignment_is_refused(path: Path) -> None:
    assert "\n  - training.epoch: unknown key; did you mean training.epochs?" in error_of(path, "training.epoch=3")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", "jets.npz"),
        ("data", "more/jets.h5"),
        ("data", "jets.NPZ"),
        ("data", "../jets.hdf5"),
        ("model", "net.keras"),
        ("model", "net.h5"),
        ("model", "own/net.py:build"),
    ],
)
def test_paths_are_relative_to_the_configuration(
    path: Path, key: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    config = load(Path(path.name), [f"{key}.source={value}"])
    assert getattr(config, key).source == str(path.parent / value)


def test_absolute_paths_and_names_stay_as_they_are(path: Path) -> None:
    config = load(path, ["data.source=/data/jets.npz", "model.source=lenet"])
    assert (config.data.source, config.model.source) == ("/data/jets.npz", "lenet")


def test_a_tilde_is_the_home_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    config = load(path, ["data.source=~/jets.npz", "model.source=~/net.py:build"])
    assert config.data.source == "/home/someone/jets.npz"
    assert config.model.source == "/home/someone/net.py:build"


def test_the_folder_of_a_published_data_set_is_relative_to_the_configuration(path: Path) -> None:
    def folder(value: str) -> object:
        return load(path, ["data.source=mnist", f"data.options.folder={value}"]).data.options["folder"]

    assert folder("../files") == str(path.parent / "../files")
    assert folder("/files") == "/files"
    assert folder("3") == 3


def test_a_written_configuration_reads_back_as_it_was(path: Path) -> None:
    config = load(DIGITS, ["hls.layers.conv1.reuse_factor=2", "data.classes=[a, 'null', '1']", "seed=7"])
    path.write_text(config.to_yaml())
    assert load(path) == config
    assert list(yaml.safe_load(config.to_yaml())) == list(RunConfig.model_fields)


def test_the_schema_holds_for_the_ready_configuration() -> None:
    schema = RunConfig.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    content = yaml.safe_load(DIGITS.read_text())
    jsonschema.validate(content, schema)
    with pytest.raises(jsonschema.ValidationError, match="'trianing' was unexpected"):
        jsonschema.validate({**content, "trianing": {}}, schema)
    assert schema["$defs"]["HlsOptions"]["properties"]["clock_period_ns"]["description"] == "Clock period in ns."


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("name: net\ntraining:\n  epochs: 3\n  epochs: 4\n")
    with pytest.raises(ConfigError, match="is not valid YAML: line 3: the key epochs occurs more than once"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"hls": {"part": 'xc7z020"; exit'}}, r"hls\.part: must match its description: Device: letters, digits"),
        ({"hls": {"part": "xc2v1000"}}, r"hls\.part: .*xc2v1000.*, or set synthesis\.yosys: false"),
        ({"seed": True}, r"seed: Input should be a valid integer \(found True\)"),
        ({"data": {"classes": [True, "b"]}}, r"data\.classes\.0: must be text, put quotes around it \(found True\)"),
        (
            {"training": {"epochs": 10, "pruning_sparsity": 0.5, "pruning_last_epoch": 10}},
            r"training: pruning from epoch 0 to epoch 10 does not fit into 10 epochs; set pruning_first_epoch <= ",
        ),
        (
            {"training": {"epochs": 10, "pruning_sparsity": 0.5, "pruning_first_epoch": 6}},
            r"training: pruning from epoch 6 to epoch 5 does not fit into 10 epochs",
        ),
        ({"training": {"pruning_sparsity": 1.0}}, r"training\.pruning_sparsity: Input should be less than 1"),
    ],
)
def test_values_that_would_fail_late_are_refused_at_once(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate({"name": "net", **content}, "here")


@pytest.mark.parametrize("name", ["signal", "net__1", "net_"])
def test_a_name_that_vhdl_does_not_have_is_refused_where_vhdl_is_made(name: str) -> None:
    vhdl = {"name": name, "rtl": {"language": "vhdl"}}
    with pytest.raises(ConfigError, match=rf"here: .*\n  - name: '{name}'.*VHDL.*, or set rtl\.language: verilog$"):
        validate(vhdl, "here")
    assert validate({"name": name}, "here").name == name
    assert validate({"name": name, "rtl": {"language": "vhdl", "architecture": "none"}}, "here").name == name


@pytest.mark.parametrize(
    ("hls", "part", "strategy", "yosys_part"),
    [
        ({}, "xcvu9p-flga2577-2-e", "Latency", "xcvu9p-flga2577-2-e"),
        ({"backend": "Vivado", "part": "xc7z020clg400-1"}, "xc7z020clg400-1", "Latency", "xc7z020clg400-1"),
        ({"backend": "Quartus"}, "Arria10", "Resource", "xcvu9p-flga2577-2-e"),
        ({"backend": "Quartus", "part": "10AX115S2F45I1SG"}, "10AX115S2F45I1SG", "Resource", "xcvu9p-flga2577-2-e"),
        ({"backend": "oneAPI"}, "Agilex7", "Resource", "xcvu9p-flga2577-2-e"),
        ({"backend": "Catapult"}, "xcku115-flvb2104-2-i", "Latency", "xcku115-flvb2104-2-i"),
        ({"backend": "Libero"}, "MPF300", "Latency", "xcvu9p-flga2577-2-e"),
    ],
)
def test_each_back_end_has_defaults_of_its_own(hls: dict[str, str], part: str, strategy: str, yosys_part: str) -> None:
    config = validate({"name": "net", "hls": hls}, "here")
    assert (config.hls.part, config.hls.strategy, config.yosys_part) == (part, strategy, yosys_part)
    assert validate(yaml.safe_load(config.to_yaml()), "here") == config
    assert HlsOptions(**hls) == config.hls  # type: ignore[arg-type]


def test_yosys_counts_for_the_part_that_is_asked_for() -> None:
    content = {"name": "net", "hls": {"backend": "Libero"}, "synthesis": {"yosys_part": "xc7k325tffg900-2"}}
    assert validate(content, "here").yosys_part == "xc7k325tffg900-2"


@pytest.mark.parametrize(
    ("hls", "message"),
    [
        (
            {"backend": "Quartus", "part": "xcvu9p"},
            r"hls\.part: 'xcvu9p' is no device of the Intel HLS compiler .*Arria10",
        ),
        ({"part": "Agilex7"}, r"hls\.part: 'Agilex7' is no device of Vitis HLS .*; name an AMD part, such as xcvu9p"),
        ({"backend": "Libero", "part": "Arria10"}, r"'Arria10' is no device of Libero SmartHLS .*PolarFire .* MPF300"),
        ({"backend": "oneAPI", "strategy": "Latency"}, r"hls\.strategy: Latency is not possible .*; use Resource"),
        ({"backend": "Libero", "strategy": "Resource"}, r"hls\.strategy: Resource is not possible .*; use Latency"),
        ({"backend": "Libero", "io_type": "io_stream"}, r"hls\.io_type: io_stream is not possible .*use io_parallel"),
        (
            {"backend": "Quartus", "layers": {"conv": {"strategy": "Latency"}}},
            r"hls\.layers\.conv\.strategy: Latency is not possible with hls\.backend=Quartus; use Resource",
        ),
    ],
)
def test_what_a_back_end_does_not_have_is_an_error(hls: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate({"name": "net", "hls": hls}, "here")


@pytest.mark.parametrize(
    ("synthesis", "message"),
    [
        ({"yosys_part": "Arria10"}, r"synthesis\.yosys_part: part 'Arria10' is not of a known family"),
        (
            {"yosys": False, "yosys_part": "xcvu9p"},
            r"synthesis\.yosys_part: synthesis.yosys is false; remove the option",
        ),
    ],
)
def test_the_part_of_yosys_is_one_that_it_knows_and_uses(synthesis: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate({"name": "net", "synthesis": synthesis}, "here")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"place_and_route": {"part": "xc7z020clg400-1"}}, r"place_and_route\.part: part 'xc7z020clg400-1' is not a"),
        (
            {"place_and_route": {"board": "ulx3s_85f", "part": "LFE5U-45F-6BG381C"}},
            r"place_and_route\.part: LFE5U-45F-6BG381C is not on the board ulx3s_85f, which has LFE5U-85F-",
        ),
        ({"place_and_route": {"board": "arty"}}, r"place_and_route\.board: Input should be 'ulx3s_12f', 'ulx3s_25f', "),
        (
            {"place_and_route": {"enabled": True}, "rtl": {"architecture": "none"}},
            r"place_and_route\.enabled: there is no RTL to place; set rtl\.architecture: auto",
        ),
        (
            {"rtl": {"stage_delay": "auto"}},
            r"rtl\.stage_delay: auto needs place and route; set place_and_route\.enabled",
        ),
        ({"gates": {"clock": True}}, r"gates\.clock needs place and route; set place_and_route\.enabled: true"),
    ],
)
def test_a_placement_that_is_not_possible_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate({"name": "net", **content}, "here")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "LFE5U-85F-6BG381C"),
        ({"board": "ulx3s_12f"}, "LFE5U-12F-6BG381C"),
        ({"board": "ecp5_evaluation"}, "LFE5UM5G-85F-8BG381C"),
        ({"part": "LFE5U-45F-8BG554I"}, "LFE5U-45F-8BG554I"),
    ],
)
def test_the_part_is_that_of_the_board_where_it_is_not_named(options: dict[str, Any], part: str) -> None:
    assert validate({"name": "net", "place_and_route": options}, "here").placed_part == part


@pytest.mark.parametrize("word", ["small", "large", "design", "use", "pulldown"])
def test_every_word_of_verilog_is_refused_as_a_name(word: str) -> None:
    with pytest.raises(ConfigError, match=rf"name: '{word}' is a reserved word of C\+\+ or Verilog"):
        validate({"name": word}, "here")


@pytest.mark.parametrize("name", ["digits_layer", "digits_layer_conv1", "a_b_tb", "digits__pkg_x"])
def test_no_run_has_the_name_of_a_module_of_another_run(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"name: '{name}': in RTL, `_(layer|tb|pkg)` follows the name of a design"):
        validate({"name": name}, "here")
    # Words that only begin like one are names, and so is such a word at the beginning.
    assert validate({"name": "layer_digits_layers"}, "here").name == "layer_digits_layers"

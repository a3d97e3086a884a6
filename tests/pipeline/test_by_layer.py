from __future__ import annotations

from tests.hls.reports_at_hand import REPORTS
from trigcnn.hls.synthesis.report import LayerResources, SynthesisReport
from trigcnn.hls.synthesis.reports import csynth, timing_summary
from trigcnn.pipeline.results.by_layer import arrange

NAMES = {1: "pixels", 2: "conv1", 4: "relu1"}


def test_instances_of_an_hls_project_get_the_names_of_their_layers_in_the_order_of_the_graph() -> None:
    read = csynth.parse(REPORTS / "vitis_hls_csynth.xml")
    found = arrange(read, ["relu1", "conv1"], NAMES, {})
    assert [timing.name for timing in found.timings or ()] == ["relu1", "conv1", "Block_entry_proc_U0"]
    assert [(layer.name, layer.lut) for layer in found.layers or ()] == [
        ("relu1", 295),
        ("conv1", 1200),
        ("Block_entry_proc_U0", 5),
    ]


def test_a_critical_path_goes_from_layer_to_layer() -> None:
    report = timing_summary.parse(REPORTS / "timing_summary.rpt", clock_period_ns=2.5)
    found = arrange(report, ["conv1"], {2: "conv1", 3: "relu1"}, {})
    assert [step.layer for step in found.critical_path or ()] == ["conv1"] * 4 + ["relu1"]
    assert (found.layers, found.timings) == (None, None)


def test_layers_of_our_own_rtl_keep_their_names() -> None:
    layers = tuple(LayerResources(name, lut=1, ff=1, dsp=0, bram=0) for name in ("config2", "conv1"))
    read = SynthesisReport("Yosys", "0.70", "open-synthesis", "rtl", "xc7", clock_period_ns=5.0, layers=layers)
    found = arrange(read, ["conv1"], NAMES, {})
    assert [layer.name for layer in found.layers or ()] == ["conv1", "config2"]

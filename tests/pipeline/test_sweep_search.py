"""The search: what becomes of trials, with workers that only play."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from tests.pipeline.played_sweeps import Client, Play, bits, config, merit, plays
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError, SweepError
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.sweep import study, worker
from trigcnn.pipeline.sweep.search import Search
from trigcnn.pipeline.sweep.trial import Found, Job


@pytest.fixture(autouse=True)
def told_to_end(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Trainings that were told to end; there is no Dask that could tell them."""
    told: list[int] = []
    monkeypatch.setattr(worker, "stop", lambda client, marker, number: told.append(number))
    return told


def searched(folder: Path, given: RunConfig, play: Play = plays, workers: int = 2) -> tuple[Search, Client]:
    folder.mkdir(exist_ok=True)
    client, work = Client(play), Search(given, folder, Console())
    work.run(client, workers)  # type: ignore[arg-type]
    return work, client


def outcomes(work: Search) -> list[str]:
    return [record.outcome for record in study.records(work.study)]


def test_promising_trials_are_synthesized_and_told_to_optuna(tmp_path: Path) -> None:
    work, _ = searched(tmp_path, config())
    assert len(work.study.trials) == 5
    for trial, record in zip(work.study.trials, study.records(work.study), strict=True):
        assert record.outcome == "reported"
        assert trial.state == TrialState.COMPLETE
        number = trial.params["model.options.weight_bits"]
        assert trial.values == [pytest.approx(0.7 + 0.04 * number), 1000.0 * number]
        assert record.figure("lut") == merit("lut", 1000.0 * number, "open-synthesis")


def test_a_trial_that_another_beats_in_everything_is_not_synthesized(tmp_path: Path) -> None:
    def worse_each_time(job: Job) -> Found:
        found = plays(job)
        lower = [
            replace_value(each, each.value * (1 + job.number))
            if each.name == "lut"
            else replace_value(each, 0.9 - job.number / 10)
            for each in found.figures
        ]
        return replace(found, figures=lower)

    work, client = searched(tmp_path, config(), worse_each_time, workers=1)
    assert outcomes(work) == ["reported", *["dominated"] * 4]
    assert [job.number for job in client.jobs if job.piece == "report"] == [0]
    assert all(record.figure("lut").evidence == "estimate" for record in study.records(work.study)[1:])  # type: ignore[union-attr]
    work, _ = searched(tmp_path / "all", config(sweep={"promising": "all"}), worse_each_time)
    assert outcomes(work) == ["reported"] * 5


def replace_value(merit: Merit, value: float) -> Merit:
    return merit.model_copy(update={"value": value})


def test_a_share_is_of_the_part_that_the_budget_is_judged_on() -> None:
    """Of 1,182,240 LUTs of the part that stands in for Intel's, and of those of the configured one."""
    for backend in ("Quartus", "Vitis"):
        given = config(budget={"lut": "1%"}, hls={"backend": backend})
        assert study.violations(given, [merit("lut", 23_644.8)]) == {"lut": pytest.approx(1.0)}


def test_what_is_far_over_the_budget_is_not_trained(tmp_path: Path) -> None:
    work, client = searched(tmp_path, config(budget={"lut": 2000}, sweep={"hopeless": 1.5, "trials": 12}))
    trained = {job.number for job in client.jobs if job.piece == "check"}
    for record in study.records(work.study):
        number = record.parameters["model.options.weight_bits"]
        assert (record.number in trained) == (800 * number <= 3000)
        if record.number not in trained:
            assert record.outcome == "hopeless"
            assert record.message.endswith("times the budget; not trained")
        else:
            assert record.violations == {"lut": pytest.approx((1000 * number - 2000) / 2000)}
            assert record.feasible == (number <= 2)
    assert {"hopeless", "reported"} <= set(outcomes(work))


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (lambda job: Found(job.number, job.piece, "failed", message="layer conv1: 1 bit is too few"), "layer conv1"),
        (lambda job: replace(plays(job), figures=[merit("accuracy", 0.5)]), "nothing measured lut"),
    ],
)
def test_a_trial_that_fails_says_why_and_ends_nothing_else(tmp_path: Path, fails: Play, message: str) -> None:
    def one_fails(job: Job) -> Found:
        return fails(job) if job.number == 1 and job.piece != "estimate" else plays(job)

    work, _ = searched(tmp_path, config(), one_fails)
    records = study.records(work.study)
    assert records[1].outcome == "failed"
    assert message in records[1].message
    assert work.study.trials[1].state == TrialState.FAIL
    assert outcomes(work).count("reported") == 4


def test_a_trial_on_which_workers_die_again_and_again_is_given_up(tmp_path: Path) -> None:
    def dies(job: Job) -> Found:
        if job.number == 0:
            raise RuntimeError("KilledWorker")
        return plays(job)

    work, _ = searched(tmp_path, config(), dies)
    assert outcomes(work) == ["failed", *["reported"] * 4]


def test_a_sweep_that_was_stopped_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    def stops(job: Job) -> Found:
        if job.number == 2 and job.piece == "report":
            raise KeyboardInterrupt
        return plays(job)

    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, config(), stops, workers=1)
    work, client = searched(tmp_path, config())
    assert outcomes(work) == ["reported"] * 5
    # Trial 2 was running, and begins with the stages that it has.
    assert {job.number for job in client.jobs} == {2, 3, 4}


def test_a_grid_is_tried_point_by_point_and_then_ends(tmp_path: Path) -> None:
    domains = {"model.options.weight_bits": {"low": 2, "high": 3}, "model.options.filters": {"choices": [[2], [4]]}}
    given = config(sweep={"space": domains, "sampler": "grid", "trials": 30})
    work, client = searched(tmp_path, given)
    found = [tuple(trial.params.values()) for trial in work.study.trials]
    assert sorted(found) == [(2, "[2]"), (2, "[4]"), (3, "[2]"), (3, "[4]")]
    assert outcomes(work) == ["reported"] * 4
    assert searched(tmp_path, given)[1].jobs == []
    assert {job.number for job in client.jobs} == {0, 1, 2, 3}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3", "qmc", "random"])
def test_each_sampler_searches_with_trials_of_all_outcomes(tmp_path: Path, sampler: str) -> None:
    def varied(job: Job) -> Found:
        kind = job.number % 4
        if kind == 1 and job.piece == "check":
            return Found(job.number, job.piece, "ended", message="hopeless")
        if kind == 2 and job.piece == "check":
            return Found(job.number, job.piece, "failed", message="no")
        return plays(job)

    given = config(sweep={"sampler": sampler, "trials": 16, "promising": "all"}, budget={"lut": 5000})
    work, _ = searched(tmp_path, given, varied)
    assert [outcomes(work).count(each) for each in ("ended", "failed")] == [4, 4]
    assert len(work.study.trials) == 16


def test_a_study_in_a_database_goes_on_as_one_in_a_file(tmp_path: Path) -> None:
    given = config(sweep={"storage": f"sqlite:///{tmp_path / 'study.db'}", "trials": 2})
    searched(tmp_path, given)
    work, client = searched(tmp_path, config(sweep={**given.sweep.model_dump(), "trials": 3}))
    assert outcomes(work) == ["reported"] * 3
    assert {job.number for job in client.jobs} == {2}


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.storage nosuch://here/study: cannot be opened"):
        Search(config(sweep={"storage": "nosuch://here/study"}), tmp_path, Console())


def test_no_trial_begins_after_the_time_is_over(tmp_path: Path) -> None:
    work, client = searched(tmp_path, config(sweep={"wall_time_s": 1e-9}))
    assert client.jobs == []
    assert work.study.trials == []


def test_a_training_whose_curve_lies_below_those_of_networks_as_small_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[int] = []
    monkeypatch.setattr(worker, "stop", lambda client, marker, number: stopped.append(number))
    client = Client(plays)

    def learns(job: Job) -> Found:
        if job.piece == "check":
            for epoch in range(1, 5):
                # The last two learn less than the others.
                figure = epoch * (0.1 if job.number < 6 else 0.01)
                client.tell((0.0, {"point": {"number": job.number, "epoch": epoch, "figure": figure}}))
        found = plays(job)
        if job.piece == "estimate":
            # Trial 6 is smaller than all, trial 7 larger.
            lut = {6: 100.0, 7: 5000.0}.get(job.number, 1000.0)
            return replace(found, figures=[replace_value(each, lut) for each in found.figures])
        return found

    client.play = learns
    given = config(sweep={"pruner_options": {"n_startup_trials": 3}, "trials": 8, "promising": "all"})
    Search(given, tmp_path, Console()).run(client, 1)  # type: ignore[arg-type]
    assert set(stopped) == {7}


def test_options_that_the_pruner_has_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.pruner_options: .*startup"):
        Search(config(sweep={"pruner_options": {"startup": 3}}), tmp_path, Console())


def test_a_training_that_was_ended_is_pruned(tmp_path: Path) -> None:
    def ends(job: Job) -> Found:
        return Found(job.number, job.piece, "ended", message="after epoch 3") if job.piece == "check" else plays(job)

    work, _ = searched(tmp_path, config(), ends)
    assert outcomes(work) == ["ended"] * 5
    assert all(trial.state == TrialState.PRUNED for trial in work.study.trials)


def test_the_front_is_measured_with_the_strongest_evidence_once(tmp_path: Path) -> None:
    given = config(sweep={"final_evidence": "vendor"})
    work, client = searched(tmp_path, given)
    final = [job for job in client.jobs if job.piece == "final"]
    assert final
    assert all("vendor: always" in job.configuration for job in final)
    by_number = {record.number: record for record in study.records(work.study)}
    for job in final:
        record = by_number[job.number]
        assert merit("lut", 990.0 * bits(job), "vendor-synthesis") in record.final
        # The front is of one kind of evidence.
        assert record.figure("lut") == merit("lut", 1000.0 * bits(job), "open-synthesis")
        assert job.folder == tmp_path / "trials" / f"{job.number:04d}" / "final"
    _, again = searched(tmp_path, given)
    assert again.jobs == []


def test_a_final_measurement_that_fails_leaves_the_trial_as_it_was(tmp_path: Path) -> None:
    def fails(job: Job) -> Found:
        if job.piece == "final":
            raise RuntimeError("KilledWorker")
        return plays(job)

    work, _ = searched(tmp_path, config(sweep={"final_evidence": "vendor"}), fails)
    assert outcomes(work) == ["reported"] * 5
    assert all(record.final == [] for record in study.records(work.study))


def test_a_trial_that_is_no_answer_keeps_none_from_becoming_one(tmp_path: Path) -> None:
    """The first is better in everything, but over the budget of another figure, or misses a gate."""

    def first_is_best(job: Job) -> Found:
        found = plays(job)
        better = 0.0 if job.number else 0.2
        figures = [
            replace_value(each, each.value + better if each.name == "accuracy" else each.value - 500 * better)
            for each in found.figures
        ]
        late = merit("latency_ns", 140.0 if job.number == 0 else 90.0)
        return replace(found, figures=[*figures, late] if job.piece != "estimate" else figures)

    work, _ = searched(tmp_path, config(budget={"latency_ns": 100}), first_is_best, workers=1)
    assert study.records(work.study)[0].eligible is False
    assert "reported" in outcomes(work)[1:]

    def first_misses(job: Job) -> Found:
        found = first_is_best(job)
        return replace(found, verdict="fail") if job.number == 0 else found

    work, _ = searched(tmp_path / "gates", config(), first_misses, workers=1)
    assert "reported" in outcomes(work)[1:]
    assert "missed a gate" in study.records(work.study)[0].message


def test_a_scheduler_that_is_gone_ends_the_sweep_and_fails_no_trial(tmp_path: Path) -> None:
    def gone(job: Job) -> Found:
        if job.number == 1:
            client.status = "closed"
            raise RuntimeError("scheduler-connection-lost")
        return plays(job)

    client, work = Client(gone), Search(config(), tmp_path, Console())
    with pytest.raises(SweepError, match="the scheduler of the workers is gone; start the sweep again"):
        work.run(client, 1)  # type: ignore[arg-type]
    assert outcomes(work) == ["reported", "running"]
    again, jobs = searched(tmp_path, config())
    assert outcomes(again) == ["reported"] * 5
    assert 0 not in {job.number for job in jobs.jobs}


def test_a_trial_that_was_killed_while_it_was_asked_for_gets_the_rest_of_its_options(tmp_path: Path) -> None:
    domains = {"model.options.weight_bits": {"low": 2, "high": 6}, "training.learning_rate": {"low": 0.01, "high": 0.1}}
    given = config(sweep={"space": domains})
    begun = Search(given, tmp_path, Console())
    begun.study.ask().suggest_int("model.options.weight_bits", 2, 6)
    begun.study.ask()
    work, _ = searched(tmp_path, given)
    assert outcomes(work) == ["reported"] * 5
    assert all(set(trial.params) == set(domains) for trial in work.study.trials)


def test_a_grid_whose_points_were_not_all_noted_is_still_whole(tmp_path: Path) -> None:
    given = config(sweep={"sampler": "grid"})
    begun = Search(given, tmp_path, Console())
    begun.study.enqueue_trial({"model.options.weight_bits": 4})
    work, _ = searched(tmp_path, given)
    assert sorted(trial.params["model.options.weight_bits"] for trial in work.study.trials) == [2, 3, 4, 5, 6]


def test_parents_stay_those_of_the_first_attempt(tmp_path: Path) -> None:
    def trained(job: Job) -> Found:
        if job.piece == "check":
            (job.folder / "train").mkdir(parents=True, exist_ok=True)
            (job.folder / "train" / "quantized.keras").write_text("")
            if job.number == 1 and not (tmp_path / "stopped").exists():
                (tmp_path / "stopped").write_text("")
                raise KeyboardInterrupt
        return plays(job)

    first = Client(trained)
    with pytest.raises(KeyboardInterrupt):
        Search(config(), tmp_path, Console()).run(first, 1)  # type: ignore[arg-type]
    _, second = searched(tmp_path, config(), trained)
    before, after = (
        next(job.parents for job in client.jobs if job.number == 1 and job.piece == "check")
        for client in (first, second)
    )
    assert before == after != ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "seed: 1 then, 2 now"),
        ({"sweep": {"space": {"model.options.weight_bits": {"low": 2, "high": 5}}}}, "high: 6 then, 5 now"),
    ],
)
def test_a_study_goes_on_only_with_the_options_it_was_begun_with(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    searched(tmp_path, config())
    with pytest.raises(ConfigError, match=f"was started with other options .*{message}.*choose another folder"):
        Search(config(**change), tmp_path, Console())
    Search(config(sweep={"trials": 9, "cluster": {"workers": 3}}), tmp_path, Console())


def test_a_study_of_another_folder_is_left_alone(tmp_path: Path) -> None:
    given = config(sweep={"storage": f"sqlite:///{tmp_path / 'study.db'}", "trials": 1})
    searched(tmp_path / "one", given)
    (tmp_path / "two").mkdir()
    with pytest.raises(ConfigError, match=r"the study played belongs to .*one; choose another name"):
        Search(given, tmp_path / "two", Console())


def test_a_sweep_that_goes_on_draws_other_points(tmp_path: Path) -> None:
    domains = {
        "training.learning_rate": {"low": 0.001, "high": 0.1},
        "model.options.weight_bits": {"low": 2, "high": 6},
    }
    searched(tmp_path, config(sweep={"space": domains, "trials": 4}))
    work, _ = searched(tmp_path, config(sweep={"space": domains, "trials": 8}))
    assert len({trial.params["training.learning_rate"] for trial in work.study.trials}) == 8


def test_parents_are_the_best_trials_that_were_trained(tmp_path: Path) -> None:
    def trained(job: Job) -> Found:
        if job.piece == "check":
            (job.folder / "train").mkdir(parents=True)
            (job.folder / "train" / "quantized.keras").write_text("")
        return plays(job)

    work, client = searched(tmp_path, config(), trained, workers=1)
    (last,) = (job for job in client.jobs if job.number == 4 and job.piece == "check")
    order = sorted(range(4), key=lambda number: -work.study.trials[number].params["model.options.weight_bits"])
    assert [Path(parent).parts[-3] for parent in last.parents] == [f"{number:04d}" for number in order]
    work, client = searched(tmp_path / "cold", config(sweep={"warm_start": False}), trained)
    assert all(job.parents == () for job in client.jobs)


def test_a_study_of_other_objectives_is_not_mixed_in(tmp_path: Path) -> None:
    searched(tmp_path, config())
    with pytest.raises(ConfigError, match="was started for accuracy, lut, not for accuracy, dsp"):
        Search(config(sweep={"objectives": {"accuracy": "maximize", "dsp": "minimize"}}), tmp_path, Console())

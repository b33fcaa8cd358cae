"""The environment of batch scripts against what real Slurm 22.05.8 set, shape by shape.

`tests/data/environments/` holds, for each shape: the options, the environment that was submitted, the login shell's
where it was asked for, the job's facts, and the environment that the script found. Host, user and paths are neutral.
"""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from flowbatch.slurm.environment import JobFacts, allocation_variables, batch_environment, folded, words

SHAPES = sorted(Path(__file__, "../../data/environments").resolve().glob("*.json"))


def as_bytes(plain):
    return None if plain is None else {name.encode(): value.encode() for name, value in plain.items()}


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_a_recorded_shape(path):
    shape = json.loads(path.read_text())
    facts = JobFacts.of(shape["facts"])
    made = batch_environment(words(as_bytes(shape["submitted"])), facts, as_bytes(shape["login"]))
    assert {name.decode(): value.decode() for name, value in made.items()} == shape["environment"]


def test_the_shapes_are_there():
    assert len(SHAPES) >= 60


@pytest.fixture
def facts():
    return JobFacts.of(json.loads((SHAPES[0].parent / "plain.json").read_text())["facts"])


def test_facts_survive_their_journey_as_json(facts):
    assert JobFacts.of(json.loads(json.dumps(asdict(facts)))) == facts


def test_a_fact_of_a_later_version_is_left_out(facts):
    assert JobFacts.of({**asdict(facts), "invented_later": 1}) == facts


def test_bytes_that_are_no_text_pass_unchanged(facts):
    assert batch_environment([b"RAW=\xff\xfe=x"], facts)[b"RAW"] == b"\xff\xfe=x"


def test_a_word_without_a_name_is_dropped(facts):
    assert b"" not in batch_environment([b"=x", b"novalue"], facts)
    assert b"novalue" not in batch_environment([b"novalue"], facts)


def test_without_managed_gpus_the_users_choice_stays(facts):
    unmanaged = JobFacts.of({**asdict(facts), "gpus": None})
    assert batch_environment([b"CUDA_VISIBLE_DEVICES=3"], unmanaged)[b"CUDA_VISIBLE_DEVICES"] == b"3"
    assert b"CUDA_VISIBLE_DEVICES" not in batch_environment([b"CUDA_VISIBLE_DEVICES=3"], facts)


def test_without_a_slurm_conf_none_is_named(facts):
    assert b"SLURM_CONF" not in batch_environment([], JobFacts.of({**asdict(facts), "slurm_conf": None}))


@pytest.mark.parametrize(("counts", "text"), [((1,), "1"), ((4, 4), "4(x2)"), ((2, 2, 1, 2), "2(x2),1,2"), ((), "")])
def test_counts_fold(counts, text):
    assert folded(counts) == text


@pytest.mark.parametrize("said", ["NoMultithread", "nomultithread,compute_bound", "compute_bound"])
def test_each_hint_of_a_list_says_what_it_means_in_any_case(facts, said):
    hinted = JobFacts.of({**asdict(facts), "options": {"hint": said}})
    made = batch_environment([], hinted)
    assert (made[b"SLURM_HINT"], made[b"SLURM_THREADS_PER_CORE"]) == (said.encode(), b"1")


def test_salloc_s_command_is_told_of_a_heterogeneous_job_by_its_components():
    """All tasks together, and of --ntasks-per-node what the last of them said, as 22.05 does."""
    leader = {
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_HET_SIZE": "2",
        "SLURM_NTASKS": "1",
        "ENVIRONMENT": "BATCH",
    }
    each = {"JOB_ID": "{}", "JOB_NUM_NODES": "1", "JOB_NODELIST": "n{}", "NTASKS": "{}", "NTASKS_PER_NODE": "{}"}
    numbered = {
        f"SLURM_{name}_{word}_GROUP_{number}": value.format(number + 1)
        for name, value in each.items() for word in ("HET", "PACK") for number in range(2)
    }  # fmt: skip
    told = allocation_variables(leader | numbered)
    assert {name: value for name, value in told.items() if "_GROUP_" not in name} == {
        "SLURM_JOB_ID": "7", "SLURM_HET_SIZE": "2", "SLURM_NTASKS": "3", "SLURM_NPROCS": "3", "SLURM_NTASKS_PER_NODE": "2",
    }  # fmt: skip
    assert numbered.items() <= told.items()
    del numbered["SLURM_NTASKS_HET_GROUP_0"]
    assert "SLURM_NTASKS" not in allocation_variables(leader | numbered)
    assert (told["SLURM_NODELIST_HET_GROUP_1"], told["SLURM_JOBID_PACK_GROUP_0"]) == ("n2", "1")

"""flow.toml: what it may say, in units that people say, and how a fault is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowbatch.config import API_URL, ClusterConfig, Configuration, Module, Modules
from flowbatch.directives import flowtoml
from flowbatch.directives.flowtoml import parse, with_values
from flowbatch.errors import ConfigError
from flowbatch.spec.market import LimitPrice
from flowbatch.spec.policy import Budget, MarketPolicy, PartitionTerms

WHOLE = """
default = "mithril"

[clusters.mithril]
api_key_file = "mithril.key"   # beside this file
project = "research"
region = "us-central1-b"

[clusters.other]
kind = "mithril"
api_url = "https://api.example.org"
api_key = "fkey_secret"
regions = ["a", "b"]

[clusters.queue2]
kind = "local"

[market]
default_gpu = "h100"
gpu_hour_caps = { H100 = "$3", b300 = "$20.5" }
placements = 3
boot_allowance = "1h30m"
queue_allowance = "2d"
save_reserve = "90s"

[budgets]
total = "$1000"
per_day = "$200"

[accounts.vision]
limit_price = "$2.50/gpu-h"
budget = "$500"
budget_per_day = "$50"

[partitions.a100q]
gpu = "a100"
limit_price = "$9"
account = "vision"

[modules]
unmapped = "fail"

[modules.names]
"cuda/12.1" = {}
gcc = { set = { CC = "gcc-12" }, prepend = { PATH = ["/opt/gcc/bin"], MANPATH = "/opt/gcc/man" } }
pytorch = { image = "nvcr.io/nvidia/pytorch:24.10-py3" }
"""


def test_everything() -> None:
    said = parse(WHOLE)
    assert said.default == "mithril"
    assert said.clusters["mithril"] == ClusterConfig(
        "mithril", "mithril", API_URL, None, "mithril.key", "research", ("us-central1-b",)
    )
    other = said.clusters["other"]
    assert (other.api_url, other.regions) == ("https://api.example.org", ("a", "b"))
    assert other.api_key is not None and other.api_key.get_secret_value() == "fkey_secret"
    assert said.clusters["queue2"].kind == "local"
    caps = {**dict(MarketPolicy().gpu_hour_caps), "h100": 3_000_000, "b300": 20_500_000}
    assert said.policy == MarketPolicy(
        default_gpu="h100", gpu_hour_caps=tuple(caps.items()), placements=3, boot_allowance_s=5400,
        queue_allowance_s=172_800, save_reserve_s=90,
        account_limit_prices=(("vision", LimitPrice(micro_usd_per_hour=2_500_000, per="gpu")),),
        budgets=(
            Budget(micro_usd=1_000_000_000), Budget(micro_usd=200_000_000, per="day"),
            Budget(micro_usd=500_000_000, account="vision"), Budget(micro_usd=50_000_000, account="vision", per="day"),
        ),
        partitions=(
            PartitionTerms(
                partition="a100q", gpu="a100", limit_price=LimitPrice(micro_usd_per_hour=9_000_000), account="vision"
            ),
        ),
    )  # fmt: skip


def test_modules() -> None:
    assert parse(WHOLE).modules == Modules(
        "fail",
        {
            "cuda/12.1": Module(),
            "gcc": Module({"CC": "gcc-12"}, {"PATH": ("/opt/gcc/bin",), "MANPATH": ("/opt/gcc/man",)}),
            "pytorch": Module(image="nvcr.io/nvidia/pytorch:24.10-py3"),
        },
    )


def test_nothing() -> None:
    assert parse("") == Configuration()


def test_a_key_shows_nowhere() -> None:
    assert "fkey" not in repr(parse(WHOLE)) + str(parse(WHOLE))


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (
            "x = 1",
            "1: x: no such key",
            "the file takes default, clusters, market, budgets, accounts, partitions, modules",
        ),
        ("\n[budgets]\nper_week = '$3'", "3: budgets.per_week: no such key", "[budgets] takes total, per_day"),
        ("[clusters.a]\nkind = 'b'", "2: clusters.a.kind: no such kind of cluster", 'write "mithril", or "local"'),
        (
            "[clusters.a]\nkind = 'local'\nproject = 'x'",
            "3: clusters.a.project: a queue on this machine",
            "leave it out",
        ),
        (
            "[clusters.a]\napi_key = 'k'\napi_key_file = 'f'",
            "3: clusters.a.api_key_file: there is an api_key",
            "leave one",
        ),
        ("[clusters]\na = 3", "2: clusters.a: not a table", "write [clusters.a]"),
        ("[clusters.a]\nregions = 3", "2: clusters.a.regions: not a list of texts", 'write ["one", "other"]'),
        ("[accounts.'a b']", "1: accounts.a b: not a name", "letters"),
        ("[market]\ngrace = 5", "2: market.grace: not a length of time", '"20m"'),
        ("[market]\ndefault_time = '59s'", "2: market.default_time: less than a minute", '"1m"'),
        ("[market]\nmax_time = '0m'", "2: market.max_time: less than a minute", '"1m"'),
        ("[market]\ngrace = '5'", "2: market.grace: not a length of time", '"20m"'),
        ("[market]\nplacements = 0", "2: market.placements: not a whole number above 0", "10"),
        ("[market]\nplacements = true", "2: market.placements: not a whole number above 0", "10"),
        ("[market]\ngpu_hour_caps = { h100 = 'x' }", "2: market.gpu_hour_caps.h100: unexpected 'x'", "$2.50"),
        ("[market.gpu_hour_caps]\nh100 = '-1'", "2: market.gpu_hour_caps.h100: unexpected '-'", "$2.50"),
        ("[budgets]\ntotal = 5", "2: budgets.total: not an amount in quotes", '"$2.50"'),
        ("[budgets]\ntotal = '$5/h'", "2: budgets.total: a budget is an amount, not a price", "$2.50"),
        ("[modules]\nunmapped = 'no'", "2: modules.unmapped: neither warn nor fail", '"warn"'),
        ("[modules.names]\n'a b' = {}", "2: modules.names.a b: not a module's name", "letters"),
        ("[modules.names]\ngcc = 'x'", "2: modules.names.gcc: not a table", "write [modules.names.gcc]"),
        ("[modules.names.gcc]\nset = { 'A B' = 'x' }", "2: modules.names.gcc.set: A B is no name", "letters"),
        ("[modules.names.gcc]\nset = { A = 3 }", "2: modules.names.gcc.set: not variables", "CC"),
        ("[modules.names.gcc]\nprepend = { PATH = 3 }", "2: modules.names.gcc.prepend: not a list of texts", '["one"'),
        ("[modules.names.gcc]\nload = 'x'", "2: modules.names.gcc.load: no such key", "takes set, prepend, image"),
        ("default = 3", "1: default: not a text", "quotes"),
        ("a =\nb = 3", "1: invalid value", "TOML"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, says: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text, "/c/flow.toml")
    assert refused.value.message.startswith(f"/c/flow.toml:{says}")
    assert hint in (refused.value.hint or "")


def test_a_wrong_key_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as refused:
        parse("[clusters.a]\napi_key = ['fkey_secret']")
    assert "fkey" not in refused.value.screen("flow")


MITHRIL = ClusterConfig("mithril", project="file", api_key_file="k", regions=("x",))


@pytest.mark.parametrize(
    ("clusters", "env", "expected"),
    [
        ({}, {}, None),
        ({}, {"MITHRIL_PROJECT": "p"}, None),
        ({}, {"MITHRIL_API_KEY": "fkey_1"}, ("fkey_1", None, API_URL, None, ())),
        ({"mithril": MITHRIL}, {"MITHRIL_PROJECT": "p"}, (None, "k", API_URL, "p", ("x",))),
        (
            {"mithril": MITHRIL},
            {"MITHRIL_API_KEY": "fkey_1", "MITHRIL_API_URL": "https://u", "MITHRIL_REGION": "r"},
            ("fkey_1", None, "https://u", "file", ("r",)),
        ),
    ],
)
def test_the_environment_speaks_for_the_cluster_mithril(
    clusters: dict[str, ClusterConfig], env: dict[str, str], expected: tuple[object, ...] | None
) -> None:
    one = Configuration(clusters=clusters).with_environment(env).clusters.get("mithril")
    if expected is None:
        assert one is None
    else:
        assert one is not None
        key = one.api_key.get_secret_value() if one.api_key else None
        assert (key, one.api_key_file, one.api_url, one.project, one.regions) == expected


def test_values_are_written_into_a_file_that_is_there() -> None:
    before = '# ours\n[clusters.mithril]\nproject = "a"  # old\n\n[budgets] # money\ntotal = "$1"\n'
    after = with_values(
        before, {("default",): "mithril", ("clusters", "mithril", "project"): "b", ("clusters", "mithril", "regions"): ("x",),
                 ("budgets", "per_day"): "$2", ("market", "grace"): "5m"},
    )  # fmt: skip
    assert after == (
        'default = "mithril"\n# ours\n[clusters.mithril]\nproject = "b"\nregions = ["x"]\n\n'
        '[budgets] # money\ntotal = "$1"\nper_day = "$2"\n\n[market]\ngrace = "5m"\n'
    )
    assert parse(after).policy.grace_s == 300
    assert with_values("", {("budgets", "total"): "$1"}) == '[budgets]\ntotal = "$1"\n'


def test_the_reference_page_says_every_key_and_the_defaults() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/flow-toml.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    said = parse(example)
    money = {"budgets", "account_limit_prices", "partitions"}
    assert said.policy.model_dump(exclude=money) == MarketPolicy().model_dump(exclude=money)
    for key in (
        *flowtoml.CLUSTER,
        *flowtoml.MARKET,
        *flowtoml.PARTITION,
        *flowtoml.BUDGET,
        *flowtoml.ACCOUNT,
        *flowtoml.MODULES,
        *flowtoml.MODULE,
    ):
        assert re.search(rf"\b{key.name}s?\b", example), key.name

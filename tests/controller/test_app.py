"""The clusters that a configuration directory, the environment and the sandbox describe."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flowbatch import app
from flowbatch.backends.contract import MarketBackend
from flowbatch.errors import ConfigError
from flowbatch.ids import StoreId
from flowbatch.paths import Paths
from flowbatch.sandbox import address


def test_files_are_included_from_beside_slurm_conf_or_from_anywhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.conf"
    elsewhere.write_text("PartitionName=p Nodes=ALL Default=YES\n")
    config = tmp_path / "config"
    config.mkdir()
    (config / "nodes.conf").write_text("NodeName=n[1-2] CPUs=2\n")
    (config / "slurm.conf").write_text(f"ClusterName=c\ninclude nodes.conf\nInclude {elsewhere}\n")
    found = app.cluster(config)
    assert (found.name, [node.name for node in found.nodes], found.partitions[0].name) == ("c", ["n1", "n2"], "p")


def test_an_included_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "slurm.conf").write_text("ClusterName=c\nInclude nodes.conf\n")
    with pytest.raises(ConfigError) as refused:
        app.cluster(tmp_path)
    assert refused.value.message.endswith("slurm.conf:2: Include=nodes.conf: No such file or directory")


# The clusters that can be put together


@pytest.fixture
def here(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "state", tmp_path / "config")
    paths.config.mkdir()
    return paths


def configured(here: Paths, text: str) -> None:
    (here.config / "flow.toml").write_text(text)


def test_without_a_word_there_is_this_machine_alone(here: Paths) -> None:
    offered = app.Offered(here, {})
    assert (offered.default, offered.names, offered.stored) == ("local", ("local",), ())


def test_a_key_in_the_environment_makes_the_market_known(here: Paths) -> None:
    assert app.Offered(here, {"MITHRIL_API_KEY": "fkey_x"}).names == ("local", "mithril")
    assert app.Offered(here, {"MITHRIL_PROJECT": "x"}).names == ("local",)


def test_what_is_configured_later_is_known_then(here: Paths) -> None:
    offered = app.Offered(here, {})
    configured(here, 'default = "two"\n[clusters.mithril]\n[clusters.two]\nkind = "local"\n')
    assert (offered.default, offered.names) == ("two", ("two", "local", "mithril"))
    configured(here, 'default = "local"\n')
    assert (offered.default, offered.names) == ("local", ("local",))


def test_the_sandbox_is_known_once_there_was_one(here: Paths) -> None:
    offered = app.Offered(here, {})
    configured(here, 'default = "sandbox"\n')
    assert (offered.default, offered.names) == ("sandbox", ("local",))
    with pytest.raises(ConfigError, match="there is no sandbox yet"):
        offered.parts("sandbox")
    here.sandbox.mkdir(parents=True)
    written = address.Address("http://127.0.0.1:9", "fkey_x", "proj_1", "secret")
    (here.sandbox / address.ADDRESS).write_text(address.text(written))
    assert offered.names == ("sandbox", "local")
    assert offered.parts("sandbox").shape.market is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[clusters.mithril]\n", "cluster mithril has no API key"),
        ('[clusters.mithril]\napi_key_file = "nowhere"\n', "cluster mithril has no API key"),
        ('[clusters.mithril]\napi_key = "fkey_x"\n', "cluster mithril has no project"),
    ],
)
def test_an_account_that_is_not_whole_is_named_when_it_is_needed(here: Paths, text: str, message: str) -> None:
    configured(here, text)
    parts = app.Offered(here, {}).parts("mithril")
    with pytest.raises(ConfigError, match=message):
        parts.backend(StoreId("s"))


def test_a_market_rents_where_its_account_may(here: Paths) -> None:
    configured(
        here,
        '[clusters.mithril]\napi_key_file = "key"\nproject = "p"\nregions = ["r1"]\n'
        '[partitions.a100q]\ngpu = "a100"\n[partitions.far]\nregions = ["r2"]\n',
    )
    (here.config / "key").write_text("fkey_x\n")
    parts = app.Offered(here, {}).parts("mithril")
    assert parts.shape.market is not None
    assert {one.partition: one.regions for one in parts.shape.market.partitions} == {
        "market": ("r1",), "a100q": ("r1",), "far": ("r2",),
    }  # fmt: skip

    async def made() -> None:
        backend = parts.backend(StoreId("s"))
        assert isinstance(backend, MarketBackend) and backend.cluster == parts.shape
        await backend.close()

    asyncio.run(made())


def test_a_market_that_is_open_spends_as_the_file_says_now(here: Paths) -> None:
    said = '[clusters.mithril]\napi_key = "fkey_x"\nproject = "p"\n'
    configured(here, said + '[budgets]\ntotal = "$10"\n')
    offered = app.Offered(here, {})

    async def made() -> None:
        backend = offered.parts("mithril").backend(StoreId("s"))
        assert isinstance(backend, MarketBackend)
        for total, asks in ((20, lambda: offered.names), (30, lambda: offered.default)):
            configured(here, said + f'[budgets]\ntotal = "${total}"\n[market]\nboot_allowance = "1h"\n')
            asks()
            policy = backend.cluster.market
            assert policy is not None
            assert [budget.micro_usd for budget in policy.budgets] == [total * 1_000_000]
            assert policy.boot_allowance_s == 1200  # leases are made of it
        configured(here, "")
        _ = offered.names
        assert backend.cluster.market == policy
        await backend.close()

    asyncio.run(made())


def test_a_cluster_has_a_directory_of_its_own(here: Paths) -> None:
    configured(here, '[clusters.two]\nkind = "local"\n')
    offered = app.Offered(here, {})
    for name in ("local", "two"):
        store = offered.parts(name).store()
        store.close()
    assert offered.stored == ("local", "two")
    assert here.store.exists() and (here.clusters / "two/store.db").exists()
    configured(here, "")
    assert offered.stored == ("local", "two")
    with pytest.raises(KeyError):
        offered.parts("two")


def test_two_clusters_do_not_share_a_name(here: Paths) -> None:
    configured(here, '[clusters.c]\nkind = "local"\n')
    (here.config / "slurm.conf").write_text("ClusterName=c\nNodeName=n CPUs=1\nPartitionName=p Nodes=n\n")
    with pytest.raises(ConfigError, match=r"\[clusters.c\]: this machine's own cluster has that name"):
        _ = app.Offered(here, {}).names

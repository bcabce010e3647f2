"""Which pool a job goes to, and what its workers hold."""

import json
from pathlib import Path

import pytest

from models import registry
from models.registry import Adapter
from regen3d.errors import ConfigError
from regen3d.manifest import StageCall
from tasks import align, generate
from tasks.execution.job import Job, job_of
from tasks.execution.ray import priority_here
from tasks.execution.settings import FarmSettings, PoolSettings, farm_settings, other_settings, pool_of


def job(adapter: str, **params: object) -> Job:
    return job_of(generate.STAGE, StageCall(stage="generate", adapter=adapter, params=dict(params)), "store")


def test_a_model_with_weights_has_a_pool_of_its_own_with_two_jobs_in_flight() -> None:
    pool = pool_of(job("hunyuan3d"), FarmSettings())
    assert (pool.name, pool.gpus, pool.in_flight) == ("generate:hunyuan3d", 1.0, 2)
    assert pool.adapter == registry.find("generate", "hunyuan3d")


def test_other_options_are_another_model_in_memory() -> None:
    one, other = (pool_of(job("hunyuan3d", options={"steps": steps}), FarmSettings()).name for steps in ("20", "30"))
    assert one != other
    assert one.startswith("generate:hunyuan3d~")


def test_plain_work_on_cores_shares_one_pool() -> None:
    aligning = job_of(align.STAGE, StageCall(stage="align", object="chair-1"), "store")
    assert pool_of(job("embedded"), FarmSettings()).name == "cores"
    assert pool_of(aligning, FarmSettings()).name == "cores"
    farm = FarmSettings(pools={"align": PoolSettings(gpus=0.25)})
    assert (pool_of(aligning, farm).name, pool_of(aligning, farm).gpus) == ("align", 0.25)


def test_models_share_a_gpu_by_its_memory() -> None:
    pool = pool_of(job("hunyuan3d"), FarmSettings(gpu_memory_gb=48.0))
    # 16 of 48 GB, rounded up.
    assert pool.gpus == 0.34
    with pytest.raises(ConfigError, match="needs 29 GB on a GPU, the farm's GPUs have 24 GB"):
        pool_of(job("hunyuan3d-2.1"), FarmSettings(gpu_memory_gb=24.0))


def test_what_waits_for_a_service_hardly_holds_a_core() -> None:
    gemini: Adapter = registry.find("complete", "gemini")
    call = StageCall(stage="complete", adapter=gemini.name)
    pool = pool_of(job_of(generate.STAGE, call, "store"), FarmSettings())
    assert pool.name == "complete:gemini"
    assert pool.in_flight > 1
    assert pool.cpus < 0.5


def test_a_flow_is_told_of_settings_that_hold_and_of_no_others() -> None:
    first, later = FarmSettings(), FarmSettings(pools={"align": PoolSettings(max_size=8)}, patience_s=5.0)
    # The book keeps what it was opened with; a pool that nobody has used yet will be as its first job asks for it.
    assert other_settings(later, first, []) == ("patience_s is 60.0, not 5.0",)
    aligning = job_of(align.STAGE, StageCall(stage="align", object="chair-1"), "store")
    other = FarmSettings(pools={"align": PoolSettings(max_size=2, gpus=0.25)})
    pools = [pool_of(aligning, other), pool_of(job("embedded"), first)]
    assert set(other_settings(later, first, pools)) == {
        "patience_s is 60.0, not 5.0",
        "align: max_size is 2, not 8",
        "align: gpus is 0.25, not 0.0",
        "align: in_flight is 2, not 1",
    }
    # Who asks for no pool of that name does not come to it, though it is there.
    assert other_settings(first, first, pools) == ()


def test_what_decides_a_pool_is_compared_as_it_comes_out() -> None:
    roomy, plain = FarmSettings(gpu_memory_gb=48.0), FarmSettings()
    pools = [pool_of(job("hunyuan3d", options={"steps": "20"}), plain)]
    assert other_settings(plain, plain, pools) == ()
    (told,) = other_settings(roomy, plain, pools)
    assert told.endswith("gpus is 1.0, not 0.34")


def test_settings_come_from_a_file_and_mistakes_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "farm.json"
    path.write_text(json.dumps({"pools": {"cores": {"max_size": 3}}, "elastic": True}))
    monkeypatch.setenv("REGEN3D_FARM", str(path))
    assert farm_settings().pools["cores"].max_size == 3
    path.write_text(json.dumps({"pools": {"cores": {"max_sise": 3}}}))
    with pytest.raises(ConfigError, match=r"farm\.json.*Extra inputs"):
        farm_settings()
    monkeypatch.delenv("REGEN3D_FARM")
    assert farm_settings() == FarmSettings()


def test_a_priority_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGEN3D_PRIORITY", "high")
    with pytest.raises(ConfigError, match="REGEN3D_PRIORITY is 'high'"):
        priority_here()

"""A function of a configuration, which Hydra's submitit launcher runs for each of a sweep's values."""

from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore


@dataclass
class Config:
    number: int = 1
    marks: str = ""


ConfigStore.instance().store(name="config", node=Config)


@hydra.main(config_path=None, config_name="config")
def main(config: Config) -> int:
    Path(config.marks, str(config.number)).write_text(str(config.number**2))
    return config.number


main()

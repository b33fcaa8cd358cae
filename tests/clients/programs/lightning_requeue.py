"""A training of Lightning's that goes on until its job is told to stop; after the requeue each rank says where it went on."""

import json
import os
import sys
import time
from pathlib import Path

import lightning
import torch
from lightning.pytorch.plugins.environments import SLURMEnvironment
from torch.utils.data import DataLoader, TensorDataset

place = Path(sys.argv[1])


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, index):
        (place / f"step-{self.global_rank}").write_text(str(self.global_step))
        time.sleep(0.05)
        return self.layer(batch[0]).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


class Told(lightning.Callback):
    def on_train_start(self, trainer, module):
        if "SLURM_RESTART_COUNT" in os.environ:
            told = {"size": trainer.world_size, "on": trainer.global_step > 0}
            (place / f"told-{trainer.global_rank}.json").write_text(json.dumps(told))


assert SLURMEnvironment.detect(), "no Slurm found"
data = DataLoader(TensorDataset(torch.randn(100_000, 4)), batch_size=1)
trainer = lightning.Trainer(
    accelerator="cpu", devices=2, num_nodes=2, strategy="ddp", max_steps=50_000, logger=False, enable_progress_bar=False,
    enable_model_summary=False, callbacks=[Told()], enable_checkpointing=False, default_root_dir=place,
)  # fmt: skip
trainer.fit(Line(), data)

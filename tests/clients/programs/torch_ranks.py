"""One worker of torchrun's: its rank and group, and the sum of all ranks over gloo."""

import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.tensor([dist.get_rank()])
dist.all_reduce(total)
told = {"size": dist.get_world_size(), "group": int(os.environ["GROUP_RANK"]), "sum": total.item()}
Path(sys.argv[1], f"told-{dist.get_rank()}.json").write_text(json.dumps(told))
dist.destroy_process_group()

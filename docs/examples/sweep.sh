#!/bin/sh
# Submits the sweep and, behind it, the job that prints the best setting. Waits for the end, and shows it.
set -eu

script=sweep.slurm
[ -f "$script" ] || script=docs/examples/sweep.slurm

sweep=$(sbatch --parsable "$script")
echo "sweep: job $sweep"

sbatch --wait --quiet --dependency="afterok:$sweep" --kill-on-invalid-dep=yes \
    --job-name=collect --output="sweep-$sweep.txt" <<COLLECT
#!/usr/bin/env python3
import glob, json

tasks = [json.load(open(name)) for name in glob.glob("sweep-${sweep}_*.json")]
tasks.sort(key=lambda task: -task["accuracy"])
print("rate   width  accuracy  loss")
for task in tasks:
    print("{rate:<6} {width:<6} {accuracy:.3f}     {loss:.4f}".format(**task))
print("best of {}: rate {rate}, width {width}".format(len(tasks), **tasks[0]))
COLLECT

cat "sweep-$sweep.txt"

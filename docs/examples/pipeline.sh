#!/bin/sh
# Three stages that wait for each other: prepare a year of data, fit one model a season (a job array), report.
# If a fit fails, `clean` runs instead of the report. Waits for the end, and shows the report.
set -eu

program=$PWD/pipeline.py
[ -f "$program" ] || program=$PWD/docs/examples/pipeline.py
work=$(mktemp -d "$PWD/pipeline-XXXXXX")
options="--parsable --chdir=$work --time=5 --output=%x-%j.out"

prepare=$(sbatch $options --job-name=prepare --wrap "python3 '$program' prepare")
fit=$(sbatch $options --job-name=fit --array=0-3 --dependency="afterok:$prepare" --kill-on-invalid-dep=yes \
    --wrap "python3 '$program' fit \$SLURM_ARRAY_TASK_ID")
clean=$(sbatch $options --job-name=clean --dependency="afternotok:$fit" --kill-on-invalid-dep=yes \
    --wrap "rm -f load.csv fit-*.json; echo a fit failed: see fit-*.out")
echo "prepare $prepare, fit $fit (4 tasks), clean $clean (only if a fit fails), in $work"

sbatch $options --wait --job-name=report --output=report.txt --dependency="afterok:$fit" --kill-on-invalid-dep=yes \
    --wrap "python3 '$program' report" >/dev/null
cat "$work/report.txt"

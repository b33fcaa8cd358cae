# --wait, --parsable, --quiet, --verbose together
run sbatch --parsable -o /dev/null --wrap true
run sbatch -Q -o /dev/null --wrap true
run sbatch -Q --parsable -o /dev/null --wrap true
run sbatch --parsable --array=1-2 -o /dev/null --wrap true
run sbatch -W --array=1-4 -o /dev/null --wrap 'exit $((SLURM_ARRAY_TASK_ID % 3))'
run sbatch -W -o /dev/null --wrap 'exit 300'
run sbatch -W -Q -o /dev/null --wrap 'kill -SEGV $$'
SBATCH_WAIT=1 run sbatch -o /dev/null --wrap 'exit 6'
SBATCH_QUIET=1 run sbatch -o /dev/null --wrap true
run sbatch --wait --test-only --wrap true
run sbatch --test-only --parsable --wrap true
run sbatch --test-only -Q --wrap true
run sbatch -W -d afterok:99999999 -o /dev/null --wrap true
sub -H -o /dev/null --wrap true; A=$J
(sleep 1; scancel $A) & run sbatch -W -d afterany:$A -o /dev/null --wrap 'exit 9'
wait
(until [ "$(squeue -h -n waiter -o %T)" = RUNNING ]; do sleep 0.1; done; scancel -n waiter) & run sbatch -W -J waiter -o /dev/null --wrap 'sleep 100'
wait
(until [ "$(squeue -h -n held -o %T)" = PENDING ]; do sleep 0.1; done; scancel -n held) & run sbatch -W -H -J held -o /dev/null --wrap 'sleep 100'
wait
for words in -v -vv; do THROUGH='grep -v ^sbatch' run sbatch $words -Q -o /dev/null --wrap true; done
scancel --me

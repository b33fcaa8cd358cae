# sbatch --wait and its exit codes
run sbatch -W -o /dev/null --wrap 'exit 7'
run sbatch --wait --parsable -o /dev/null --wrap 'exit 0'
run sbatch -W -Q -o /dev/null --wrap 'exit 2'
run sbatch -W -o /dev/null --array=1-3 --wrap 'exit $SLURM_ARRAY_TASK_ID'
run sbatch -W -o /dev/null --wrap 'kill -9 $$'

# what clients do from inside a job: a step's files in an array task
script files.sh <<'S'
#!/bin/bash
#SBATCH --array=3 --job-name=named
srun -o 'step-%A_%a_%J_%s_%t_%n_%x.out' true
SLURM_ARRAY_TASK_ID=17 srun -o 'told-%A_%a.out' true
env -u SLURM_ARRAY_TASK_ID -u SLURM_ARRAY_JOB_ID srun -o 'none-%a.out' true
S
run sbatch --wait -o /dev/null files.sh
run ls

# srun outside a job: a job of one step, its streams and its exit code
# calm: waits until no job is on its way out, so that the next starts at once
calm() { local i; for i in $(seq 100); do [ -z "$(squeue -h -t CG)" ] && return; sleep 0.1; done; }
run() { calm; answer "$@" </dev/null; }
vars() { sed -nE '/^(SLURM|CUDA|GPU|ROCR|ZE_|TMPDIR|SRUN)/{/^SLURM_CONF=/d;/^SLURM_(JOB_)?(JOB)?ID=/d;/^TMPDIR|_PORT=|TASK_PID|WORKING_CLUSTER/d;p}' | sort | uniq -c | sed 's/^ *//'; }
line() { squeue -h -t all -n "$1" -o '%j %T %r %D %C %o'; }
run srun true
run srun echo hello
THROUGH=sort run srun -n3 -l echo hi
run srun sh -c 'exit 5'
run srun -n3 sh -c 'exit $SLURM_PROCID'
run srun sh -c 'kill -9 $$'
run srun sh -c 'kill -USR1 $$'
run srun nosuchcmd
run srun sh -c 'echo out; echo err >&2'
runin 'one\ntwo\n' srun cat
runin 'one\n' srun -n2 -l cat
run srun -o out.txt echo filed
show out.txt
run srun -D /usr pwd
run srun -J nom true
over "$(squeue -h -t all -n nom -o %i)"
run line nom
run srun -Q true
THROUGH=vars run srun env
THROUGH=vars run srun -N2 -n2 -c2 --ntasks-per-node=1 --gpus-per-node=1 -t 10 -J nam env
THROUGH=vars run srun -n2 --mem=100 env
run srun --export=NONE /usr/bin/env true
export SLURM_PARTITION=nosuch
run srun true
run srun -p debug true
unset SLURM_PARTITION
export SLURM_NTASKS=2
run srun echo twice
unset SLURM_NTASKS
export SLURM_JOB_NAME=fromenv
run srun true
over "$(squeue -h -t all -n fromenv -o %i)"
run line fromenv
unset SLURM_JOB_NAME
run srun
run srun -N2
run srun -p nosuch true
run srun -w n9 true
run srun -C nosuch true
run srun --mem=999999 true
run srun --gres=nosuch:1 true
run srun --reservation=nosuch true
run srun --nosuch true
run srun -N x true
run srun -n 0 true
run srun -n x true
run srun -t x true
run srun --mem=x true
run srun --begin=nosuch true
run srun --array=1 true
run srun -Q -v true
run srun -c x true
run srun --immediate=x true
run srun --jobid=99999999 true
run srun --jobid=x true
THROUGH="sed -E 's/at [^ ]+/at T/'" run srun --test-only -n2 true
run srun --version
export SLURM_EXIT_ERROR=42
run srun -p nosuch true
run srun --nosuch true

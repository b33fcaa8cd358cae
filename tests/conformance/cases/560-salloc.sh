# salloc with a command: what it says, how it ends, what it refuses
# calm: waits until no job is on its way out, so that the next starts at once
calm() { local i; for i in $(seq 100); do [ -z "$(squeue -h -t CG)" ] && return; sleep 0.1; done; }
run() { calm; answer "$@" </dev/null; }
vars() { sed -nE '/^(SLURM|CUDA|GPU|ROCR|ZE_|TMPDIR)/{/^SLURM_CONF=/d;/^SLURM_(JOB_)?(JOB)?ID=/d;p}' | sed -E 's/=n[1-4]$/=n1/' | sort; }
run salloc true
run salloc sh -c 'exit 3'
run salloc nosuchcmd
run salloc sh -c 'kill -9 $$'
run salloc sh -c 'kill -INT $$'
run salloc -Q sh -c 'exit 4'
run salloc --quiet true
run salloc -J named true
run salloc -D /usr pwd
run salloc -D /nonexistent pwd
runin 'echo here; exit 6\n' salloc
runin 'a line\n' salloc cat
THROUGH=vars run salloc env
THROUGH=vars run salloc -N2 -n4 -c2 --ntasks-per-node=2 --mem-per-cpu=10 --gpus-per-node=1 -t 10 -J nam -A acc --mem-bind=local env
THROUGH=vars run salloc --gpus=3 --cpus-per-gpu=2 --distribution=block:cyclic env
THROUGH=vars run salloc -N2-3 --mem=100 --ntasks-per-core=1 --threads-per-core=1 --overcommit env
export SALLOC_PARTITION=nosuch
run salloc true
run salloc -p debug true
unset SALLOC_PARTITION
export SALLOC_TIMELIMIT=x
run salloc true
export SALLOC_TIMELIMIT=7 SALLOC_DEBUG=1
run salloc -N1 true
unset SALLOC_TIMELIMIT SALLOC_DEBUG
run salloc -v --gres=gpu:2 -t 5 --comment=hello --no-bell --exclusive=user -K --signal=USR1@30 true
run salloc --signal=B:USR1@30 true
run salloc -p nosuch true
run salloc -w n9 true
run salloc -x n1 -w n1 true
run salloc -C nosuch true
run salloc -L nosuch true
run salloc --reservation=nosuch true
run salloc --gres=nosuch:1 true
run salloc --nosuch true
run salloc --no true
run salloc -u root true
run salloc --array=1-3 true
run salloc --wrap=true
run salloc --output=x true
run salloc -N x true
run salloc -N
run salloc -t x true
run salloc -n 0 true
run salloc -n x true
run salloc -K5 true
run salloc -Kbogus true
run salloc --kill-command=TERM true
run salloc --immediate=x true
run salloc --immediate=-1 true
run salloc -I0 true
run salloc -I true
run salloc -Q -v true
run salloc --begin=nosuch true
run salloc --mem=x true
run salloc --nice=5 --hold=x true
run salloc --version
run salloc --mem=999999 true
export SLURM_EXIT_ERROR=42
run salloc -p nosuch true
run salloc --nosuch true
run salloc -Q -v true

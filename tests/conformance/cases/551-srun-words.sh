# steps of a job: values that are refused, and options that have no effect there
script job <<'END'
#!/bin/bash
exec 2>&1
s() {
  echo "\$ srun $*"
  srun "$@" echo ran 2>&1 | grep -v -e 'step creation temporarily' -e 'Step created for'
  echo "[rc=${PIPESTATUS[0]}]"
}
s -n0
s -n -1
s -nx
s -c0
s -T0
s -W -1
s -W x
s -K=x
s --kill-on-bad-exit=5
s --immediate=x
s -I
s --jobid=x
s --jobid=999999
s --mem=x
s -t x
s -t 5
s --signal=x
s --signal=USR1@10
s --open-mode=z
s --accel-bind=x
s --accel-bind=g
s --mail-type=FOO
s --mail-user=foo
s --gres-flags=foo
s --profile=foo
s --profile=none
s --gpu-bind=foo
s --gpu-freq=foo
s --acctg-freq=foo
s --mem-bind=foo
s --mem-bind=local
s --hint=foo
s --cpu-freq=foo
s --propagate=FOO
s --het-group=x
s --tres-per-task=cpu:1
s --nodefile=/nonexistent
s --power=foo
s --compress=foo
s -b now+1hour
s -d afterok:1
s -H
s -A foo -p nopart --qos=foo -L foo --reservation=foo
s --comment=x --wckey=foo --switches=1 --tmp=1 --priority=5 --mcs-label=foo
s --deadline=now --delay-boot=1 --time-min=1 --contiguous --prefer=foo --network=foo --bb=foo
s --spread-job --use-min-nodes --no-kill --oversubscribe --whole -E -X --quit-on-interrupt
s --cpu-bind=verbose
s --cpu-bind=none
s --gpus=1
s --gpus-per-task=1
s --gres=gpu:1
s --gres=foo:1
s --mpi=none
s --pty -o x
s --multi-prog
s
srun
echo "[rc=$?]"
srun --version | sed 's/-wlm//'
SLURM_EXIT_ERROR=42 srun -n99 true
echo "[rc=$?]"
srun -QQ -n99 true
echo "[rc=$?]"
END
sub -n1 -w n1 -o out ./job
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out

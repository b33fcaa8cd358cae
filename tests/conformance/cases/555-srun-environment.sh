# steps of a job: the SLURM_ variables of tasks, for many shapes of request
script job <<'END'
#!/bin/bash
exec 2>&1
e() {
  echo "\$ srun $*"
  srun "$@" bash -c 'env | grep -E "^(SLURM|CUDA|GPU_|ROCR|ZE_|SRUN)" | grep -v -E "^SLURM_(TASK_PID|SRUN_COMM_PORT|STEP_LAUNCHER_PORT|WORKING_CLUSTER|CONF|SUBMIT_DIR|STEP_ID|STEPID)=" | sort > task.$SLURM_PROCID' 2>&1 |
    grep -v -e 'step creation temporarily' -e 'Step created for'
  echo "[rc=${PIPESTATUS[0]}]"
  tail -n +1 task.*
  rm -f task.*
}
e
e -n1
e -n2 -c2
e -N1 -n1 -l -O
e --exact -n2
e -m plane=2
e -N1 -n2 --ntasks-per-node=2
e -N1 -n1 -r1 -J other
e -n2 --gpus-per-task=1
e -N1 -n1 --gres=none
e --hint=nomultithread -n2
e --mem-bind=local --cpu-freq=high -n2
END
sub -N2 -w n1,n2 --ntasks-per-node=2 -c2 --gres=gpu:2 --mem=200 -o out ./job
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out

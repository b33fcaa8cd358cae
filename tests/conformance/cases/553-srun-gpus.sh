# steps of a job: GPUs of nodes and of tasks
script job <<'END'
#!/bin/bash
exec 2>&1
g() {
  echo "\$ srun $*"
  srun "$@" bash -c 'echo $SLURM_PROCID $SLURMD_NODENAME cuda=$CUDA_VISIBLE_DEVICES step=$SLURM_STEP_GPUS on=$SLURM_GPUS_ON_NODE bind=$SLURMD_TRES_BIND' 2>&1 |
    grep -v -e 'step creation temporarily' -e 'Step created for' | sort
  echo "[rc=${PIPESTATUS[0]}]"
}
g
g -N1 -n1
g -N1 -n1 -G1
g -G2
g -G3
g -G4
g -G1
g --gpus-per-task=1
g -n3 --gpus-per-task=1
g -n4 --gpus-per-task=1
g --gpus-per-node=1
g --gres=gpu:1
g --gres=gpu:0
g -G0
g --gres=none
g -N1 -n2 --gpu-bind=single:1
g -N1 -n2 --gpu-bind=map_gpu:2,1
g -N1 -n2 --gpu-bind=mask_gpu:0x6,0x1
g -N1 -n2 --gpu-bind=closest
g -N1 -n2 --gpu-bind=per_task:1
g -N1 -n2 --gpu-bind=verbose,map_gpu:0,1
g -N1 -n1 --overlap -G3
END
sub -N2 -w n1,n2 --gres=gpu:3 --cpus-per-task=4 -o out ./job
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out

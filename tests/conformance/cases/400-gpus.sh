# GPUs: which devices each job sees, and who waits
gpus='echo "$SLURM_JOB_NODELIST|$CUDA_VISIBLE_DEVICES|$SLURM_JOB_GPUS|$SLURM_GPUS|$SLURM_GPUS_ON_NODE|${SLURM_GPUS_PER_NODE:-}|${SLURM_GPUS_PER_TASK:-}"'
seen() { sub -w n1 -t 5 -o g-%x.out "$@" --wrap "$gpus; sleep 100"; until_state $J RUNNING; name=$(squeue -h -j $J -o %j); said g-$name.out n1; show g-$name.out; }
clear() { scancel --me; for id in "$@"; do over $id; done; }
seen -J a --gres=gpu:2; A=$J
seen -J b --gres=gpu:h100:3; B=$J
seen -J c --gpus=1; C=$J
seen -J d -n1; D=$J
sub -w n1 -J e --gres=gpu:3 -t 5 -o /dev/null --wrap true; E=$J; reason $E Resources
run squeue -h -S i -t R,PD -o '%j %t %b %r'
run squeue -h -S i -t R,PD -O name:4,tres-alloc:50,tres-per-job:20,tres-per-node:20
for id in $A $B; do THROUGH="grep -E 'GRES|Tres'" run scontrol -d show job $id; done
run scancel $A; over $A; over $E
seen -J f -n2 --gpus-per-task=1; F=$J
clear $B $C $D $F
seen -J g --gpus-per-node=4 --cpus-per-gpu=1; G=$J
seen -J h -n2 --gpus-per-task=2; H=$J
clear $G $H
for words in '-N2 --gres=gpu:1' '-N2 --gpus=3' '--gpus=8' '--gpus=10' '--gpus-per-node=2 -N2' '-n4 --gpus-per-task=1 --ntasks-per-node=2' '--gres=gpu:0' '--gpus=h100:2' '--gres=gpu' '--gpus-per-socket=1 --sockets-per-node=1' '-n2 --ntasks-per-gpu=1' '--exclusive --gres=gpu:1' '--gpus=2 --mem-per-gpu=100'; do
  sub $words -t 5 -o g.out --wrap "$gpus"; over $J; show g.out
  run squeue -t all -h -j $J -o '%T %r %D %C %b'
done
CUDA_VISIBLE_DEVICES=7 sub -o g.out --wrap 'echo "${CUDA_VISIBLE_DEVICES-unset}"'; over $J; show g.out
CUDA_VISIBLE_DEVICES=7 sub --gres=gpu:1 -o g.out --wrap 'echo "${CUDA_VISIBLE_DEVICES-unset}"'; over $J; show g.out

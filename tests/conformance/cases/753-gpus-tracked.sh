# GPUs among the trackable resources (AccountingStorageTRES): what jobs, nodes and partitions have and hold
script job.sh <<'S'
#!/bin/bash
sleep 300
S
trackable() { scontrol show "$@" | grep -o "[A-Za-z]*TRES=[^ ]*"; }
tracked() { grep TRES; }
for words in '--gres=gpu:2 -n1' '-N2 --gpus-per-node=1' '--gpus-per-task=h100:2 -n2' '-n1' '--gpus=3' '--gres=gpu:h100:1 -a 1-4'; do
  sub -H -o /dev/null $words job.sh
  run trackable job $J
  run squeue -h -j $J -O tres-alloc:60
done
sub -o /dev/null -t 1-0 -w n2 --gres=gpu:2 -n2 job.sh; A=$J
until_state $A RUNNING
run trackable job $A
run squeue -h -j $A -O tres-alloc:60
run trackable node n2
run trackable node n1
run trackable partition
THROUGH=tracked run scontrol show config

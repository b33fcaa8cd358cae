# scontrol show job: many kinds of jobs, many ways to name them
script job.sh <<'X'
#!/bin/bash
sleep 100
X
sub -H job.sh one 'two three'; A=$J
THROUGH=still run scontrol show job $A
sub -H -J held -N2-4 -n8 -c2 --mem=500 -t 1-2:3:4 --time-min=10 --nice=20 -A acct --qos=q --comment='some words' -C fast -x n3 -w n1 --contiguous --mail-type=END,FAIL -L matlab:1 --wckey=w -i in -o o -e e --wrap true
THROUGH=still run scontrol show job $J
sub -H --gres=gpu:h100:2 --mem-per-cpu=100 --exclusive --requeue --reboot --switches=1@10 --wrap true
THROUGH=still run scontrol show job $J
sub -H --gpus=4 --cpus-per-gpu=1 --mem-per-gpu=50 --gpus-per-node=2 --no-requeue -s --wrap true
THROUGH=still run scontrol show job $J
sub -H --gpus-per-task=1 -n2 --ntasks-per-node=1 --gpu-bind=closest --ntasks-per-core=1 --ntasks-per-socket=2 --wrap true
THROUGH=still run scontrol show job $J
sub -H -p debug,short --deadline=2041-01-01 --tmp=5M --threads-per-core=1 --cores-per-socket=2 --sockets-per-node=1 -o '%x-%j.%N' --wrap true
THROUGH=still run scontrol show job $J
sub -d afterok:$A:$A,afterany:$A --wrap true
THROUGH=still run scontrol show job $J
sub -H -O -n 40 -k --wrap true
THROUGH=still run scontrol show job $J
sub -H --array=0-3%2 -o o-%a-%A-%j --wrap true
for id in $J ${J}_2 ${J}_ ${J}_x ${J}_2x ${J}x ${J}+1 ${J}_9 ${J},${J}_3 ${J}.0 x 99999999 99999999_1 99999999+1; do THROUGH="still | grep -E 'Job|Array|StdOut'" run scontrol show job $id; done
run scontrol show job $J $A
THROUGH="still | head -n 1" run scontrol show jobid=$J
THROUGH="still | head -n 1" run scontrol show Jobs=$J
run scancel ${J}_[0-3]
THROUGH=still run scontrol -o show job $J
run squeue -t all -j $J -o '%i|%K'
run squeue -t all -r -j $J -o '%i|%K'
run scontrol show job ${J}_2

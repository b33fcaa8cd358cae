# job arrays
script arr.sh <<'X'
#!/bin/bash
echo "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT: $SLURM_ARRAY_TASK_MIN-$SLURM_ARRAY_TASK_MAX:$SLURM_ARRAY_TASK_STEP"
X
sub --array=1-3 arr.sh; over $J; for i in 1 2 3; do show slurm-${J}_$i.out; done
run squeue -t all -j $J -S i -o '%i %A %F %K %T'
sub -H --array=1,3,5-9:2%2 arr.sh
run squeue -j $J
run squeue -r -j $J -o '%i|%F|%K|%A|%t'
run scancel ${J}_3
run squeue -t all -j $J -o '%i|%F|%K|%t'
run scancel ${J}_[7-9]
run squeue -t all -j $J -S i -o '%i|%t'
run scancel $J
run squeue -t all -j $J -S i -o '%i|%t'
sub -H --array=0-4 -o /dev/null arr.sh
run scontrol show job $J -o
run squeue -j ${J}_2,${J}_4 -o %i
run squeue -j ${J}_9 -o %i
run scancel ${J}_99
run scontrol release $J; over $J
run squeue -t all -j $J -S i -o '%i %T'

# how arrays are listed: ranges, lists, steps, throttles, long lists
f='-o %i|%F|%K|%A|%t|%C|%D'
for spec in 5 1-10 1-10:3 1,2,3 1,3,5 0-3,7,9-11 2-8:2 1,2,4-8%3 0-9%1 1,1,2 3,1,2 007-9 1-4%0 1-2%9; do
  sub -H --array=$spec -o /dev/null --wrap true
  run squeue -h -j $J "$f"
  run squeue -h -r -j $J "$f"
  run scontrol show job $J | grep -E 'Array|JobName'
  scancel $J
done
sub -H --array=1-200:3 -J long -o /dev/null --wrap true; A=$J
run squeue -h -j $A -o %i
run squeue -h -j $A -o %K
run squeue -h -j $A -o '%.30i|'
run squeue -h -j $A -O jobarrayid:200
run squeue -h -j $A -O arraytaskid:30
SLURM_BITSTR_LEN=16 run squeue -h -j $A -o %i
SLURM_BITSTR_LEN=0 run squeue -h -j $A -o %i
SLURM_BITSTR_LEN=1024 run squeue -h -j $A -o %i
SLURM_BITSTR_LEN=x run squeue -h -j $A -o %i
SLURM_BITSTR_LEN=20 THROUGH="grep -E 'Array'" run scontrol show job $A
THROUGH="grep -v _199" run squeue -h -r -j $A -S -i -o %i
THROUGH="grep -v 199" run squeue -h -r -j $A -S -K -o %K
run squeue -h -j ${A}_1,${A}_4,${A}_5 -o %i
run squeue -h -r -j ${A}_1,${A}_4 -o %i
run squeue -h -j ${A}_[1-7] -o %i
THROUGH='head -n 3' run squeue -h --array-unique -j $A -o '%i %K'
SQUEUE_ARRAY=1 THROUGH='head -n 4' run squeue -h -j $A -o %i
SQUEUE_ARRAY_UNIQUE=1 THROUGH='head -n 4' run squeue -h -j $A -o %i
run scancel ${A}_[1,4,10-40]
run squeue -h -j $A -o %i
run squeue -t all -j $A -S i -o '%i %t %r' -h
scancel $A
script slow.sh <<'X'
#!/bin/bash
[ $SLURM_ARRAY_TASK_ID -lt 3 ] && exit $SLURM_ARRAY_TASK_ID
sleep 100
X
sub -w n1 --array=0-9%2 -J mixed -o /dev/null slow.sh; A=$J
for i in $(seq 100); do [ "$(squeue -h -r -j $A -t R -o %K | sort | xargs)" = '3 4' ] && break; sleep 0.1; done
THROUGH="sed -E 's/0:[0-9]+$/0:SS/'" run squeue -t all -j $A -S i -o '%i|%F|%K|%t|%T|%r|%N|%M'
run squeue -t all -r -j $A -S i -h -o '%i|%F|%K|%t|%r'
THROUGH="sed -E 's/[0-9]{5,}/N/2'" run squeue -j $A -S -t,i -h -o '%i|%t|%A|%E'
run scancel ${A}_[5-9]
run squeue -t all -j $A -S i -h -o '%i|%t|%r'
run scancel -t R $A
over $A
run squeue -t all -j $A -S i -h -o '%i|%t|%r'
sub -H --array=2-30:4 -o /dev/null --wrap true
run squeue -h -r -j $J -o 'task %K'

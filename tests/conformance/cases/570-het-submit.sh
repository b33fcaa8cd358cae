# heterogeneous jobs: submission, refusals, listings
sub -H -n1 -t5 -J one --wrap 'sleep 60' : -n2 -t7 -J two; A=$J
run squeue -j $A
run squeue -j $A+1
run squeue -j $((A + 1))
run squeue -h -S i -j $A -o '%i|%A|%F|%K|%j|%T|%r|%l|%C|%D'
run squeue -h -S i -j $A -O jobid,jobarrayid,hetjobid,hetjobidset,hetjoboffset,batchflag,numtasks,name
THROUGH=still run scontrol show job $A
THROUGH=still run scontrol show job $A+1
THROUGH=still run scontrol show job $((A + 1))
THROUGH=still run scontrol -o show job $A+0
run scontrol show job $A+7
run scontrol show job ${A}_1
run scontrol show job $((A + 1))+0
THROUGH="grep ." run scontrol write batch_script $A -
run scontrol write batch_script $((A + 1)) -
THROUGH="grep -E 'het_job'" run squeue -j $A --json
run squeue -s -j $A
run sprio -j $A
script het.sh <<'X'
#!/bin/bash
#SBATCH -N1 -n2 -o het.out -J script
#SBATCH --hold
#SBATCH hetjob
#SBATCH -N2 --ntasks-per-node=3 -c2
#SBATCH hetjob
#SBATCH --gpus=1 -H

sleep 60
X
sub het.sh; B=$J
run squeue -h -S i -j $B -o '%i|%j|%C|%D|%b'
run scontrol write batch_script $((B + 1)) -
run scontrol write batch_script $((B + 2)) -
sub -H -n1 --wrap true : -n1 : -n1 : -n1 : -n1 : -n1
run squeue -h -S i -j $J -o %i
sub -H -d afterok:$A --wrap true : -n2
run squeue -h -S i -j $J -o '%i %E'
sub -H --wrap true : -d afterany:$A
run squeue -h -S i -j $J -o '%i %E'
sub --wrap true : -H
run squeue -h -S i -j $J -o '%i %r'
sub -w n1 -H --wrap true : -w n2
sub -x n1 -H --wrap true : -x n1
run sbatch -Q -H --wrap true : -n2
run sbatch -a 1-2 --wrap true : -n1
run sbatch -n1 --wrap true : -a 1-2
run sbatch -n1 --wrap true : -p nosuch
run sbatch -n1 --wrap true : -p nosuch : -n1
run sbatch -n1 --wrap true : -t abc
run sbatch -n1 --wrap true : --nosuch
run sbatch -H -w n1 --wrap true : -w n1
run sbatch -n1 --wrap true : -w nosuch
run sbatch -n1 --wrap true : --mem=99999
run sbatch -n1 --wrap true : -C nosuch
run sbatch -n1 --wrap true : -L nosuch

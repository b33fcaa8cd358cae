# the steps of running jobs: squeue -s, scontrol show step, sstat
script steps.sh <<'X'
#!/bin/bash
#SBATCH -n4 -N2 -t 10 -J four -o steps.out
srun -J spread -n4 -t 3 -m block sleep 300 &
while [ -z "$(squeue -hs -j $SLURM_JOB_ID -o %j | grep spread)" ]; do sleep 0.1; done
srun --overlap -N1 -n1 sh -c 'sleep 300' &
while [ -z "$(squeue -hs -j $SLURM_JOB_ID -o %j | grep -w sh)" ]; do sleep 0.1; done
touch running
wait
X
sub steps.sh; A=$J
for i in $(seq 200); do [ -e running ] && break; sleep 0.1; done
run squeue -h -s -j $A -o '%i|%j|%P|%u|%U|%N|%A|%l|%b'
THROUGH="sed 's/[0-9]:[0-9][0-9] n/M:SS n/'" run squeue -s -j $A
run squeue -h -s $A.1 -o %i
run squeue -h -s $A.0,$A.7 -o %i
run squeue -h -s $A.7 -o %i
run squeue -h -s -j $A -n spread -o %i
run squeue -h -s -j $A -S -i -o %i
run squeue -h -s -j $A -p nosuch -o %i
run squeue -h -s -j $A -u nobody -o %i
run squeue -h -s -j $A -w n2 -o %i
run squeue -h -s -j $A -O 'stepid:10,stepname:10,numtasks:4,numcpus:4,jobid:6,arrayjobid:4,stepstate:10,gres:12,nodes:8,timelimit:12,cpufreq:25'
THROUGH="sed 's/Pid=.*/Pid=/'" run scontrol show step $A
THROUGH="sed 's/Pid=.*/Pid=/'" run scontrol show step $A.0
THROUGH="sed 's/Pid=.*/Pid=/'" run scontrol -o show step $A.1
run scontrol show step $A.7
run scontrol show step 99999
run scontrol show step 99999.0
run sstat -P -n -o jobid $A
run sstat -P -n -o jobid,nodelist $A.1
run sstat -P -n -a -o jobid,nodelist $A
run sstat -P -n -o jobid,nodelist $A.0,$A.batch
run sstat -P -n -o jobid $A.7
run scancel $A
over $A
run squeue -h -s -j $A -o %i
run scontrol show step $A.0

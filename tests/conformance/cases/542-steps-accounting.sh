# steps in accounting
S='-P -o jobid,jobidraw,jobname,alloccpus,ntasks,nnodes,nodelist,state,exitcode,derivedexitcode,layout,alloctres'
script steps.sh <<'X'
#!/bin/bash
#SBATCH -n4 -N2 -t 10 -J five -o steps.out
srun true
srun -n1 -N1 sh -c 'exit 3'
srun -J killed -n1 -N1 sh -c 'kill -9 $$'
srun -n2 -N1 --exact sh -c 'kill -TERM $$'
srun -n4 -m block sh -c 'exit $SLURM_PROCID'
srun -n4 -m cyclic true
srun nosuchcommand
srun --overlap -N1 -n1 -J waits sleep 300 &
until squeue -hs -j $SLURM_JOB_ID -o %j | grep -q waits; do sleep 0.1; done
srun --overlap -N1 -n1 -J left sh -c 'touch running; sleep 300' &
wait %1
exit 6
X
sub steps.sh; A=$J
for i in $(seq 300); do [ -e running ] && break; sleep 0.1; done
# known ID WORD: waits until accounting says the word of the job or step.
known() { for i in $(seq 150); do sacct -n -P -j $1 -o jobid,state | grep "^$1|" | grep -q "$2" && break; sleep 0.2; done; }
known $A.8 RUNNING; known $A.7 RUNNING; known $A RUNNING
run sacct $S -j $A
N=$(squeue -hs -j $A -o '%i %j' | sed -n 's/ waits//p')
run scancel $N
known $A FAILED; known $A.8 CANC; known $A.7 CANC
THROUGH="sort -t'|' -k3,3" run sacct -P -n -o jobidraw,state,jobname -j $A
run sacct -X $S -j $A
run sacct -P -o jobid,state -j $A.0
run sacct -P -o jobid,state -j $A.batch
run sacct -P -o jobid,state -j $A.1,$A.0,$A.batch
run sacct -P -o jobid,state -j $A.extern
run sacct -P -o jobid,state -j $A.99
run sacct -X -P -o jobid,state -j $A.0
run sacct -P -o jobid,state -s F -j $A.0
run sacct -o jobid,jobname,ntasks,state,exitcode -j $A.0,$A.1,$A.2
run sacct -P -o jobid,reqcpufreqmin,reqcpufreq,reqmem,timelimit,priority,uid,user,qos,partition,workdir,consumedenergy -j $A.0

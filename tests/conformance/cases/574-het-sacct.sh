# heterogeneous jobs in accounting
S='-P -o jobid,jobidraw,jobname,alloccpus,state,exitcode,nodelist'
sub -o /dev/null -J one --wrap 'sleep 4; exit 3' : -n2 -J two; A=$J; C=$((A + 1)); until_state $A RUNNING
# known ID WORD: waits until accounting says the word of the job.
known() { for i in $(seq 100); do sacct -n -X -j $1 -o state | grep -q $2 && break; sleep 0.2; done; sleep 1; }
known $A RUNNING
run sacct $S -j $A
over $A
known $A FAILED
run sacct $S -j $A
run sacct -X $S -j $A
run sacct $S -j $C
run sacct $S -j $A+1
run sacct $S -j $A+0
run sacct $S -j $A+7
run sacct $S -j $C+0
run sacct $S -j $A.batch
run sacct $S -j $A+1 --whole-hetjob=yes
run sacct $S -j $C --whole-hetjob=yes
run sacct $S -j $C --whole-hetjob
run sacct $S -j $A --whole-hetjob=no
run sacct $S -j $C --whole-hetjob=no
THROUGH="grep -A3 '^      .het'" run sacct --json -j $A
sub -H -J wait --wrap true : -n2; known $J PENDING
run sacct -X -j $J -o jobid,state
run scancel $J; known $J CANC
run sacct -P -j $J -o jobid,state,exitcode

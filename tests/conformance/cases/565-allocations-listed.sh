# jobs without a script in squeue and scontrol
F="account accruetime batchflag batchhost command comment eligibletime exit_code name nodelist numcpus numnodes numtasks reason requeue restartcnt statecompact stdin stdout stderr tres-per-node workdir"
fields() { local f; for f in $F; do printf '%s=%s\n' $f "$(squeue -t all -j "$1" -h -O "$f:60" | sed 's/ *$//')"; done | sed -E 's/=[0-9]{4}-.*/=T/'; }
record() { scontrol show job "$1" | still | sed -E 's/T[0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}//g; s/Sid=.*/Sid=/; s/Priority=[0-9]+/Priority=/'; }
run salloc --no-shell -J held -n2 --gres=gpu:1 --comment=hi
J=$(squeue -h -n held -o %i)
run fields $J
run record $J
scancel $J; over $J
run record $J
run srun -J stepped -n2 sh -c 'exit 0' a b
J=$(squeue -h -t all -n stepped -o %i); over $J
run fields $J
run record $J
salloc -H -J waits true </dev/null 2>"$SCRATCH/w" & P=$!
said "$SCRATCH/w" queued
J=$(squeue -h -n waits -o %i)
run fields $J
run record $J
kill $P; wait $P
run salloc sh -c 'exit 9'

# scancel of one step
script steps.sh <<'X'
#!/bin/bash
#SBATCH -n1 -t 10 -J six -o steps.out
n=0
for command in 'trap "echo heard USR1; exit 4" USR1; touch on0; while :; do sleep 0.1; done' 'touch on1; sleep 300' \
  'trap "" TERM; touch on2; while :; do sleep 0.1; done' 'touch on3; sleep 300'; do
  srun --overlap -n1 sh -c "$command" 2>/dev/null &
  while [ ! -e on$n ]; do sleep 0.1; done
  n=$((n + 1))
done
touch running
wait
X
sub steps.sh; A=$J
for i in $(seq 200); do [ -e running ] && break; sleep 0.1; done
# gone STEP: waits until the step runs no more.
gone() { for i in $(seq 100); do squeue -hs -j $A -o %i | grep -qx $1 || break; sleep 0.1; done; }
run squeue -h -s -j $A -o '%i %j'
run scancel -s USR1 $A.0; gone $A.0
run cat steps.out
run scancel $A.1; gone $A.1
run scancel -s TERM $A.2
run scancel -s KILL $A.2; gone $A.2
run squeue -h -s -j $A -o '%i %j'
run scancel $A.9
run scancel -s USR1 $A.9
run scancel $A.batch
run scancel $A.extern
run scancel $A.x
run scancel -n nosuch $A.3
run scancel -u nobody $A.3
runin 'n\n' scancel -i $A.3
run squeue -h -s -j $A -o '%i %j'
run scancel -n six $A.3; gone $A.3
over $A
run scancel $A.3
run scancel -s USR1 $A.3
run scancel 99999.0

# a time limit and a signal ahead of it
script limit.sh <<'X'
#!/bin/bash
trap 'echo got USR1' USR1
trap 'echo got TERM' TERM
for i in $(seq 150); do sleep 1; done
X
sub -t 1 --signal=B:USR1@30 -o limit.out limit.sh; A=$J
until_state $A RUNNING
for i in 1 2 3 4 5; do until_state $A TIMEOUT >/dev/null; [ "$(state $A)" = TIMEOUT ] && break; done
over $A
run squeue -t all -h -j $A -o '%T %r %l'
sed 's/slurmstepd-n1/slurmstepd/' limit.out | sort | uniq -c

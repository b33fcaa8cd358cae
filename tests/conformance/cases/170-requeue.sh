# requeue: same number, one more restart
script again.sh <<'X'
#!/bin/bash
echo "run ${SLURM_RESTART_COUNT:-none}"
[ -n "${SLURM_RESTART_COUNT:-}" ] && exit 0
sleep 60
X
sub -o again.out again.sh; A=$J
until_state $A RUNNING; for i in $(seq 50); do [ -s again.out ] && break; sleep 0.1; done
run scontrol requeue $A
until_state $A PENDING
run squeue -h -j $A -o '%T %r'
run squeue -h -j $A -O restartcnt
sub --no-requeue -o /dev/null --wrap 'sleep 60'; B=$J
until_state $B RUNNING
run scontrol requeue $B
run scontrol requeue 99999999
sub -H -o /dev/null --wrap true; C=$J
run scontrol requeue $C
run scontrol hold $C
run scontrol release 99999999

# signals reach the batch shell or its children as scancel is told to
script trap.sh <<'X'
#!/bin/bash
trap 'echo got USR1' USR1
trap 'echo got TERM; exit 5' TERM
echo ready
while :; do sleep 0.2; done
X
sub -o trap.out trap.sh; A=$J
until_state $A RUNNING; for i in $(seq 50); do [ -s trap.out ] && break; sleep 0.1; done
run scancel --batch -s USR1 $A
for i in $(seq 50); do grep -q USR1 trap.out && break; sleep 0.1; done
run scancel -s USR1 $A
sleep 1
run scancel -f -s USR1 $A
for i in $(seq 50); do [ "$(grep -c USR1 trap.out)" -ge 2 ] && break; sleep 0.1; done
run scancel $A; over $A
grep -c 'got USR1' trap.out; grep 'got TERM' trap.out
run squeue -t all -h -j $A -o '%T %r'

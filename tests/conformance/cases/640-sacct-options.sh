# sacct: its options one by one, over jobs of two accounts and partitions that ended in different ways
o=jobname,partition,account,alloccpus,state,exitcode
script trap.sh <<'X'
#!/bin/bash
trap 'exit 3' TERM
[ "${SLURM_RESTART_COUNT:-0}" = 0 ] || exit 4
for i in $(seq 300); do sleep 0.1; done
X
sub -A research -o /dev/null -J gold --comment 'a word' -n 2 -c 2 --mem 500 -t 5 --wrap 'exit 0'; A=$J
over $A
sleep 1.1 # sacct lists jobs by the second of their submission
sub -A research -o /dev/null -J three -p short --wrap 'exit 3'; B=$J
over $B
sleep 1.1
sub -A research -o /dev/null -J caught trap.sh; C=$J
until_state $C RUNNING
sleep 0.5 # its trap is set
run scontrol requeue $C
until_state $C PENDING
sleep 1.1
sub -A research -o /dev/null -J arr --array=1-3 --wrap 'exit $SLURM_ARRAY_TASK_ID'; D=$J
over $D
sub -A research -H -o /dev/null -J held -N 2 -t 9 --mem 2G --wrap true; E=$J
# settled: waits until accounting has written down what is over.
for i in $(seq 100); do
  [ "$(sacct -n -X -P -o state -j $A,$B,$D | sort | uniq -c | tr -s ' \n' ' ')" = " 1 COMPLETED 4 FAILED " ] && break
  sleep 0.2
done
sleep 1
jobs=$A,$B,$D
run sacct -D -P -j $C -o jobid,state,exitcode,derivedexitcode
run sacct -P -j $C -o jobid,state
run sacct -s RQ -D -S now-1hour -E now -P -X -n --name caught -o jobname,state
THROUGH='LC_ALL=C sort' run sacct -a -P -X -j $jobs,$E -o $o
run sacct -b -X -P -j $A,$B
run sacct -A research --name gold,three -P -X -n -o jobname,state
run sacct -A nosuch -n
run sacct --name gold -E now-1hour -n
run sacct --name gold -S now-1hour -E now -P -X -n -o jobname
run sacct -S nonsense
run sacct -E nonsense
run sacct -g root --name gold -P -X -n -o jobname
run sacct -g nosuch
run sacct -g 12345 -n
run sacct -i 2 --name gold -n
run sacct -i 1-2 --name gold -P -X -n -o jobname
run sacct -i x
run sacct -I 4 -j $jobs -P -X -n -o jobname
run sacct -I 2-9 -j $jobs -P -X -n -o jobname
run sacct -I x
run sacct -k 5 -j $jobs -P -X -n -o jobname
run sacct -k 5 -K 9 -j $jobs -P -X -n -o jobname
run sacct -k 00:05:00 -j $jobs -P -X -n -o jobname
run sacct -k 1-0 -j $jobs -n
run sacct -k x
run sacct -k 5 -K x
run sacct -K x
run sacct -k 9 -K 5 -n -j $jobs
run sacct -L -P -X -n -j $A -o jobname
run sacct -N n1 -P -X -n -j $A -o jobname
run sacct -N n4 -n -j $A
run sacct -r short -P -X -n -j $jobs -o jobname
run sacct -r debug,short -P -X -n -j $jobs -o jobname
run sacct -r nosuch -n
run sacct -s F -S now-1hour -E now --name three,gold -P -X -n -o jobname,state
run sacct -s CD -S now-1hour -E now --name three,gold -P -X -n -o jobname,state
run sacct -s PD --name held -P -X -n -o jobname,state
run sacct -s x
run sacct -u root --name gold -P -X -n -o jobname
run sacct -u nosuch
run sacct -u 12345 -n
run sacct -U
run sacct --use-local-uid -n -P -X -j $A -o jobname,user
run sacct -W key -n
run sacct -x 999 -n
run sacct --units=K -P -X -j $A,$E -o jobname,reqmem
run sacct --units=G -P -X -j $A,$E -o jobname,reqmem
run sacct --units=X -j $A
run sacct --units=KB -P -X -j $A -o reqmem
run sacct --noconvert -P -X -j $A,$E -o jobname,reqmem
run sacct --array -P -X -n -j ${D}_2 -o jobid
run sacct '--delimiter=;' -P -X -n -j $A -o jobid,jobname
run sacct '--delimiter=;' -p -X -n -j $A -o jobid,jobname
run sacct --delimiter=ab -P -X -j $A -o jobid,jobname
run sacct --delimiter= -P -X -j $A -o jobid,jobname
run sacct -e
run sacct -c
run sacct -c -j $A
run sacct -T -P -X -n -j $A -o jobname
run sacct -n -X --name nosuch
run sacct -F StartRecieved -j $A,$B -n -X -P -o jobname
run sacct -F StartReceived -n
run sacct -F none -n -j $A
run sacct -o nosuch
run sacct -o jobname%0,state -n -X -j $A
run sacct -o jobname%x,state -n -X -j $A
run sacct -o jobname%,state -n -X -j $A
run sacct -o jobn,stat,exitc -n -X -j $A
run sacct --local -n -X -P -j $A -o jobname
run sacct --federation -n -X -P -j $A -o jobname
run sacct -M oracle -n -X -P -j $A -o jobname
run sacct nosuch
run sacct -Z
run sacct --nosuch
run sacct --st PD
run sacct --n
THROUGH='head -n 2' run sacct --json --yaml

# scontrol hold, release, requeue and their like
f='-h -t all -S i -o %i|%t|%r|%p'
sub --begin=2040-01-01 -J word -o /dev/null --wrap true; A=$J
sub --begin=2040-01-01 -J word -o /dev/null --wrap true; B=$J
sub -H --array=1-6 -J arr -o /dev/null --wrap 'sleep 100'; C=$J
line() { THROUGH="sed -E 's/0\\.[0-9]*[1-9][0-9]*/PRIO/'" run squeue $f -j $A,$B,$C; }
reason $A BeginTime; reason $B BeginTime
run scontrol hold $A
run scontrol hold $A
line
run scontrol release $A
reason $A BeginTime
line
run scontrol holdu $A
run scontrol release $A,$B
run scontrol uhold $B
reason $A BeginTime
line
run scontrol release jobname=word
reason $A BeginTime; reason $B BeginTime
run scontrol hold name=word
line
run scontrol hold name=nosuchname
run scontrol release $A $B 99999999
run scontrol hold ${C}_2
run scontrol release ${C}_9
run scontrol release ${C}_[8-9]
run scontrol hold abc
run scontrol hold
run scontrol release
run scontrol requeue
run scontrol requeuehold
run scontrol requeue $A
run scontrol requeuehold $A
run scontrol requeue abc
run scontrol release ${C}_[1-2]
until_state ${C}_1 RUNNING; until_state ${C}_2 RUNNING
run squeue -h -t all -S i -o '%i|%t' -j $C
run scontrol requeuehold ${C}_1
until_state ${C}_1 PENDING
run squeue -h -t all -S i -o '%i|%t' -j $C
run scontrol hold ${C}_2
run scontrol requeue incomplete $A
scancel $C; over $C
run scontrol requeue $C
run scontrol hold ${C}_2
run scontrol release ${C}_2
run scontrol suspend 99999999
run scontrol resume 99999999
run scontrol notify 99999999 word
run scontrol top 99999999
run scontrol wait_job 99999999
run scontrol nosuchverb
run scontrol sho job 99999999
run scontrol sh job 99999999
run scontrol SHOW JOB 99999999
run scontrol hol 99999999
run scontrol rel 99999999
run scontrol relea 99999999
run scontrol requ 99999999
run scontrol version
run scontrol --version
run scontrol -V
run scontrol --nosuch
run scontrol errnumstr 2017
run scontrol errnumstr 0
run scontrol errnumstr
THROUGH="sed 's/at .* is/at HOST is/'" run scontrol ping
runin 'version\nquit\n' scontrol
runin 'show job 99999999\nhold\nnosuch\n\n!!\nexit\n' scontrol

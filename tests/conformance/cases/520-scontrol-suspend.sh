# scontrol suspend, resume, notify, wait_job, write batch_script
sub -o out -J asleep -t 10 --wrap 'echo up; sleep 100; true'; A=$J
until_state $A RUNNING; said out up
run scontrol wait_job $A
run scontrol suspend $A
until_state $A SUSPENDED
run squeue -h -j $A -o '%T|%t|%r|%C|%D|%p'
THROUGH="grep -o 'JobState=[A-Z]*\|Priority=0'" run scontrol show job $A
run scontrol suspend $A
run scancel -s USR1 $A
run scontrol resume $A
until_state $A RUNNING
run squeue -h -j $A -o '%T|%t|%r|%C'
run scontrol resume $A
THROUGH="sed -E 's/^slurmstepd(-n[0-9])?:/slurmstepd:/'" run cat out
run scontrol notify $A hello world
said out hello
sed -E 's/^slurmstepd(-n[0-9])?:/slurmstepd:/' out
run scontrol notify 99999999 word
run scontrol notify $A
run scontrol notify
run scontrol suspend $A
run scancel $A
until_state $A CANCELLED
run scontrol suspend $A
run scontrol resume $A
run scontrol suspend
run scontrol resume
run scontrol suspend abc
run scontrol suspend 99999998,99999999
sub -H -o /dev/null --wrap true; B=$J
run scontrol suspend $B
run scontrol resume $B
run scontrol notify $B word
run scontrol wait_job $B
run scontrol wait_job
run scontrol wait_job 99999999
run scontrol write batch_script $B
show slurm-$B.sh
run scontrol write batch_script $B there.sh
run cmp there.sh slurm-$B.sh
run scontrol write batch_script $B /nonexistent/x
run scontrol write batch_script $B -
run scontrol write batch_script 99999999
run scontrol write
run scontrol reboot
run scontrol cancel_reboot
run scontrol create
run scontrol delete
run scontrol pidinfo
run scontrol setdebug
run scontrol setdebugflags
run scontrol schedloglevel
run scontrol fsdampeningfactor
scancel $B

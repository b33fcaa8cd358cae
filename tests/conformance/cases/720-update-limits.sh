# scontrol update TimeLimit= and EndTime= of running, suspended and waiting jobs: longer, shorter, for ever, until now.
limit() { run squeue -h -j "$1" -o '%l %T'; }
sub -o /dev/null -t 100 --wrap 'sleep 100'; R=$J
until_state $R RUNNING
for w in TimeLimit=200 TimeLimit+=5 TimeLimit=+5 TimeLimit-=10 TimeLimit=-20 TimeLimit=-500 TimeLimit=UNLIMITED TimeLimit=90 \
  TimeLimit=1-0 timelimit=2:00:00 TimeLim=30 TimeLimit= EndTime=2020-01-01; do
  run scontrol update jobid=$R "$w"
  limit $R
done
scancel $R; over $R
# none at all
sub -o /dev/null -t 10 --wrap 'sleep 100'; R=$J
until_state $R RUNNING
run scontrol update jobid=$R TimeLimit=0
over $R
run squeue -h -t all -j $R -o '%T %r'
# longer than its partition, and without a word of its own
sub -o /dev/null -p urgent --wrap 'sleep 100'; R=$J
until_state $R RUNNING
limit $R
run scontrol update jobid=$R TimeLimit=30
limit $R
run scontrol update jobid=$R TimeLimit=90
limit $R
run scontrol suspend $R
run scontrol update jobid=$R TimeLimit=120
limit $R
run scontrol resume $R
limit $R
scancel $R; over $R
# what is longer than it was is what its node enforces
sub -o late.txt -t 1 --wrap 'sleep 100'; R=$J
until_state $R RUNNING
run scontrol update jobid=$R TimeLimit=10
limit $R
run scontrol update jobid=$R EndTime=now+90
limit $R
scancel $R; over $R
# tasks of an array
sub -o /dev/null -t 10 --array=0-2 --wrap 'sleep 100'; A=$J
until_state ${A}_2 RUNNING
run scontrol update jobid=${A}_1 TimeLimit=20
run scontrol update jobid=$A TimeLimit=30
THROUGH=sort run squeue -h -j $A -o '%K %l'
scancel $A; over $A
# one that waits
sub -o /dev/null -H -t 100 --wrap true; P=$J
for w in TimeLimit=0 TimeMin=200 TimeMin=30 TimeLimit=20 TimeMin=30 TimeMin=10 TimeLimit=5 TimeMin=0 TimeLimit=5; do
  run scontrol update jobid=$P "$w"
  limit $P
done
run scontrol update jobid=$P EndTime=now+1hour
scancel $P; over $P
run scontrol update jobid=$P TimeLimit=10

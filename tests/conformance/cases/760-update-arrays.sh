# What is asked of arrays and of lists of ids: which tasks it was done to, which not, and why; ids that are none.
sub --begin=2030-01-01 -o /dev/null --array=1-5 --wrap true; A=$J
sub --begin=2030-01-01 -o /dev/null --wrap true; C=$J
sub -o /dev/null --array=1-3%2 -t 10 --wrap 'sleep 100'; K=$J
until_state ${K}_1 RUNNING
until_state ${K}_2 RUNNING
for t in "$A" "${A}_1" "${A}_9" "${A}_[4-9]" "${A}_1,$C" "$C,99999" "99999,$C" 99999_1 "99999_[1-2]" "$C ${A}_2"; do
  run scontrol update JobId="$t" Name=n
  run scontrol update JobId="$t" Partition=nosuch
  run scontrol hold "$t"
  run scontrol release "$t"
  run scontrol suspend "$t"
  run scontrol requeue "$t"
done
run squeue -h -o '%i %T %j' -j "$A,$C"
for t in "" 0 x "${A}_x" "${A}_" "${A}_[1" "${A}_[3-1],$C" "${A}_[1-4:2]" "$C," "$C.0,$C" "${A}_200000" "${A}_[1-2,x]"; do
  run scontrol update JobId="$t" Name=n
  run scontrol hold "$t"
  run scontrol suspend "$t"
done
for t in "$A" "${A}_1" "${A}_[1-2]" "$C,$A" 99999 99999_1 x "${A}_9"; do
  run scontrol update JobId="$t" TimeLimit=+1
  run scontrol update JobId="$t" NumNodes=1
done
run scontrol update JobId="$A,$C" EndTime=now+1hour
run scontrol update JobId="$K" EndTime=now+1hour
run scontrol update JobId="$K" NumTasks=2
run scontrol update "JobId=${K}_[1-4]" NumTasks=2
run scontrol suspend "$K"
run scontrol suspend "${K}_[1-4]"
run scontrol -Q suspend "${K}_3"
run scontrol resume "$K"
run scontrol resume "$K"
run scontrol update JobId="$K" ArrayTaskThrottle=1
run squeue -h -o '%i %T' -j "$K"
run scancel "${K}_1"
over "${K}_1"
run squeue -h -o '%i %T' -j "$K"
run scontrol hold 99999 "$C" x
run scontrol hold "jobname=nosuch"
run scontrol hold "jobid=$C"

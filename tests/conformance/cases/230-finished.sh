# every kind of end, in squeue's fields and scontrol's record
export SBATCH_TIMELIMIT=20
sub -w n1 -J good -o /dev/null --wrap true; A=$J
sub -w n1 -J bad -n3 -o /dev/null --wrap 'exit 9'; B=$J
sub -w n1 -J killed -o /dev/null --wrap 'kill -SEGV $$'; C=$J
sub -H -J never -o /dev/null --wrap true; D=$J
sub -J stopped -N2 -t 3 -o /dev/null --wrap 'sleep 100'; E=$J
sub -J late --deadline=now+2 -t 1 -o /dev/null --wrap 'true'; F=$J
sub -J nofile -o /no/such/dir/out --wrap true; G=$J
sub -w n1 -J array --array=0-2 -o /dev/null --wrap 'exit $SLURM_ARRAY_TASK_ID'; I=$J
until_state $E RUNNING
run scancel $D $E
for id in $A $B $C $D $E $G $I; do over $id; done
all="-t all -j $A,$B,$C,$D,$E,$G,$I -S i"
run squeue -j $A,$B
run squeue $all
THROUGH=young run squeue $all -l
run squeue $all -h -r -o '%i %t %T %r %R|%N|%B|%C|%D'
for letter in a A b c C d D E F h H i K l m n o P q r R t T v x Y z; do
  run squeue $all -h -o "%$letter"
done
for name in alloc-nodes arrayjobid arraytaskid batchhost cores derivedec exit_code jobarrayid maxnodes nodelist nodes numcpus numnodes numtasks reason reasonlist restartcnt schednodes state statecompact tres-alloc; do
  run squeue $all -h -O "$name:50"
done
for state in CD F CA completed failed cancelled TO NF completing CG OOM DL BF PR; do
  run squeue -h -t $state -j $A,$B,$C,$D,$E,$G,$I -S i -o '%i %T'
done
run squeue -t CD,F -h -S i -n good,array -o '%i %j'
run squeue -t all -h -w n2 -j $A,$E -o '%i %j'
run squeue --start -t all -j $A,$B -o %i
run squeue -s -j $A
for id in $B $C $D $E ${I}_2; do THROUGH=still run scontrol -o show job $id; done
run scontrol show job ${I}_9
run scontrol hold $A
run scontrol release $A

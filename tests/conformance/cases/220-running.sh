# every field of jobs that run: on one node, on two, with GPUs, and a task of an array
export SBATCH_TIMELIMIT=20
sub -J one -n2 --comment=c -o /dev/null --wrap 'sleep 100'; A=$J
sub -J two -N2 --ntasks-per-node=2 -t 10 --exclusive -o /dev/null --wrap 'sleep 100'; B=$J
sub -J gpu --gres=gpu:2 -t 1-0 -o /dev/null --wrap 'sleep 100'; C=$J
sub -J arr --array=3 -p short -L matlab -o /dev/null --wrap 'sleep 100'; D=$J
for id in $A $B $C $D; do until_state $id RUNNING; done
for letter in a A B b c C d D E f F h H i I j J k K l m N n o O P q r R s t T u v w x X Y z Z; do
  run squeue -S i -h -o "%$letter"
done
for name in alloc-nodes arrayjobid arraytaskid batchflag batchhost comment contiguous cores cpus-per-task dependency derivedec exit_code feature jobarrayid jobid licenses \
  maxcpus maxnodes minmemory mincpus name nodelist nodes numcpus numnodes numtasks oversubscribe partition reason reasonlist reqnodes restartcnt schednodes sct state statecompact \
  stdout threads timelimit tres-alloc tres-per-job tres-per-node tres-per-task workdir; do
  run squeue -S i -h -O "$name:70"
done
THROUGH="sed -E 's/ 0:[0-5][0-9]/ AGE/; s/ [0-9:-]+$/ LEFT/'" run squeue -S i -o '%i %M %L' -h
THROUGH=young run squeue -S i
THROUGH=young run squeue -l -S i
run squeue -h -j $A -o '%S %e'
run squeue -h -j $B -o '%S %e %V'
run squeue -w n1 -h -o %j -S i
run squeue -w n2,n3 -h -o %j -S i
run squeue -L matlab -h -o %j
run squeue -r -h -j $D -o '%i %K %F %A'
run squeue -h -j ${D}_3 -o '%i %T'
THROUGH=still run scontrol show job $B
THROUGH=still run scontrol -d show job $C
THROUGH=still run scontrol show job $D

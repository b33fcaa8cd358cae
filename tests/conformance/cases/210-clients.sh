# what the clients of SLURM ask, in their own words (AiiDA, psij, Nextflow, Parsl, submitit, signac, Snakemake, ...)
script work.sh <<'X'
#!/bin/bash
#SBATCH --no-requeue
#SBATCH --job-name="aiida-42"
#SBATCH --get-user-env
#SBATCH --output=_scheduler-stdout.txt
#SBATCH --error=_scheduler-stderr.txt
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2
#SBATCH --time=00:30:00
sleep 60
X
run sbatch --parsable work.sh; A=$(cat "$SCRATCH/out")
sub -H -J 'nf-align_(sample 1)' -t 1:00:00 -c 2 --mem 2G --array=0-3%2 -o /dev/null --wrap true; B=$J
until_state $A RUNNING
aiida='%i^^^%t^^^%r^^^%B^^^%u^^^%D^^^%C^^^%R^^^%P^^^%l^^^%M^^^%j'
SLURM_TIME_FORMAT=standard THROUGH=young run squeue --noheader "-o$aiida" -u root
THROUGH=young run squeue --noheader "-o$aiida" --jobs=$A,$A
THROUGH=young run squeue --noheader "-o$aiida" --jobs=$A,99999999
run squeue --noheader "-o$aiida" --jobs=99999999,99999999
run squeue --noheader -t all -u root -n aiida-42 -o '%i %t' -S i
run squeue -O JobArrayID,StateCompact,Reason -t all --me -n aiida-42 -S i
run squeue -h -r -o '%i %T' -u root -S i
run squeue --noheader --format='%i|%T|%j|%r' --users=root -S i
THROUGH=young run squeue -u root -h -o '%i %.2t %.10M' -S i
run squeue -h --format='%2t%100j' -S i
run squeue -O jobid:400,arraytaskid:400,name:400,userid:400,partition:400,state:400,nodelist:400,numnodes:400,ntpernode:400,exit_code:400 --noheader -S i
run squeue --format '%.18i %.8j %.8u %.2t' -S i
run squeue --me -o '"%i","%j","%t","%D","%C","%m","%b","%R"' -S i
run squeue -o ' "%u" ' -h -S i
run squeue -t RUNNING -u root -o '%j %B' -h
run squeue -h -j $A -o '%T %B'
run squeue -h -j ${B}_1 -o '%T %B'
run squeue --start --noheader -j $A -o '%i|%S|%T'
run squeue -a -u root -h -o '%i %F %K %A %y %Z' -S i
run squeue -h -t pending,running -r -O 'JobArrayID:###psij###,State:|' -S i
run squeue -u root -t all -h --format=%i,%j -n aiida-42
run scontrol show job -o 99999999
THROUGH="grep -E 'JobId|JobState|NodeList|StdOut|StdErr|WorkDir|NumNodes|Command'" run scontrol show job $A
THROUGH="grep -E 'JobId|Nodes=|Command'" run scontrol show jobid -dd $A
THROUGH="grep -oE '(JobId|ArrayJobId|ArrayTaskId|ArrayTaskThrottle|JobName|JobState|Reason|TimeLimit)=[^ ]*'" run scontrol -o show job ${B}_2
THROUGH="grep -E '^(MinJobAge|MaxArraySize|ClusterName|SLURM_VERSION|KillWait|MaxJobCount)'" run scontrol show config
run scancel $A 99999999 $B
over $A; over $B
run squeue -t all -h -j $A,$B -S i -o '%i %t %T %r'
run scancel $A $B
run scancel $A --signal USR2
THROUGH="grep -oE 'JobState=[A-Z]+'" run scontrol show job $A
run sbatch --wait --parsable -o /dev/null --wrap 'exit 3'
run sbatch -D / -J pysqa -o /dev/null -e /dev/null --mail-type=END --mail-user=nobody@localhost --parsable --wrap true

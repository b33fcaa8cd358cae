# sacct: jobs, steps, arrays, ends, windows of time, columns and refusals
long="jobid,jobidraw,jobname,partition,account,alloccpus,ncpus,reqcpus,nnodes,allocnodes,ntasks,nodelist,state,exitcode,derivedexitcode"
sub -A research -o /dev/null -J gold --comment 'a word' -n 2 -c 2 --mem 500 -t 5 --wrap 'exit 0'; A=$J
over $A
sub -A research -o /dev/null -J three --wrap 'exit 3'; B=$J
over $B
sub -A research -o /dev/null -J kill --wrap 'kill -9 $$'; C=$J
over $C
sub -A research -o /nosuchdir/x -J io --wrap true; D=$J
over $D
sub -A research -o /dev/null -J averyveryverylongname -t 9 --gres=gpu:2 --wrap 'sleep 100'; E=$J
until_state $E RUNNING
run scancel $E
over $E
sub -A research -o /dev/null -H -J held --wrap true; F=$J
sub -A research -o /dev/null -H -J gone --wrap true; G=$J
run scancel $G
sub -A research -o /dev/null -J arr --array=1-3 --wrap 'exit $SLURM_ARRAY_TASK_ID'; H=$J
over $H
sleep 1.1 # sacct lists jobs by the second of their submission
sub -A research -o /dev/null -H -J harr --array=5-7 --wrap true; I=$J
sleep 1.1
sub -A research -o /dev/null -J two -t 30 -N 2 -p debug --wrap 'sleep 100'; K=$J
until_state $K RUNNING
# settled: waits until accounting has written down the end of every job that is over, and the start of the last.
settled() {
  local i
  for i in $(seq 100); do
    [ "$(sacct -n -X -P -o state -j $A,$B,$C,$D,$E,$G,$H,$K | sort | uniq -c | tr -s ' \n' ' ')" = " 2 CANCELLED by 0 1 COMPLETED 6 FAILED 1 RUNNING " ] && break
    sleep 0.2
  done
  sleep 1
}
settled
names=gold,three,kill,io,averyveryverylongname,held,gone,arr,harr,two
jobs=$A,$B,$C,$D,$E,$F,$G,$H,$I,$K
run sacct -j $jobs
run sacct -X -j $jobs
run sacct -n -X -j $A,$B
run sacct -P -j $jobs -o $long
run sacct -P -j $A,$E,$K -o jobid,alloctres,reqtres,reqmem,timelimit,timelimitraw,comment,constraints
run sacct -P -j $F,$G,$I -o jobid,jobidraw,start,end,elapsed,timelimit,nodelist,allocnodes,reserved,reason,alloctres,eligible
run sacct -P -j $A,$K -X -o user,uid,group,gid,cluster,workdir,suspended,wckey,mcslabel,layout
run sacct -b -j $A,$B
run sacct -p -j $A
run sacct -P --delimiter=, -j $A
run sacct -j $A -o jobname%30,state%-20,exitcode%3,nodelist%-5
run sacct -j $E -o jobid,jobname,state
run sacct -j $H
run sacct -X -j ${H}_2
run sacct -j $A.batch,$B
run sacct -j $A.0
run sacct -j $A+0
run sacct -j 99999
run sacct -j abc
run sacct -j $A,x
run sacct -j ${H}_
run sacct -j $A.x
run sacct -j ${I}_5
run sacct -X -n -P -o jobid -A research -S now-1hour --name gold,three
run sacct -X -n -P -o jobid -A nosuch --name $names
run sacct -X -n -P -o jobid,state -s F -S now-1hour -E now --name $names
run sacct -X -n -P -o jobid,state -s ca,to -S now-1hour -E now --name $names
run sacct -X -n -P -o jobid,state -s R --name $names
run sacct -X -n -P -o jobid,state -s CD --name $names
run sacct -X -n -P -o jobid,state -s PD --name $names
run sacct -X -n -P -o jobid -N n1 -S now-1hour --name two,nosuch
run sacct -X -n -P -o jobid -i 2 -S now-1hour --name $names
run sacct -X -n -P -o jobid -I 4-8 -S now-1hour --name $names
run sacct -X -n -P -o jobid -r nosuch --name $names
run sacct -X -n -P -o jobid,timelimit -k 5 -S now-1hour --name $names
run sacct -n -X -j $A --units=G -o reqmem
run sacct -n -X -j $A --noconvert -o reqmem
run sacct -n -X -u nobody
run sacct -u nosuchuser
run sacct -g nosuchgroup
run sacct -s nosuch
run sacct -o nosuch
run sacct -S nonsense
run sacct -S now -E now-1hour
run sacct -i x
run sacct --units=X
run sacct -Z
run sacct --nosuch
run sacct stray
run sacct -B
run sacct -B -j $A
run sacct --usage
run sacct -e
run sacct -c
run sacct -l -P -j $B
SACCT_FORMAT=jobid,state run sacct -j $A
run sacct -D -j $A -o jobid,state

# sprio, sstat, strigger, sattach, sbcast: a cluster of the plain priority; steps, files for nodes and refusals
sub -o /dev/null -J held -H --wrap true; H=$J
sub -o /dev/null -J runs -t 10 --wrap 'sleep 100'; R=$J
until_state $R RUNNING
run sprio
run sprio -j $H
run sprio -l -n -w -h
run sprio -o nosuch
run sprio extra
run sprio -j abc
run sprio -u nosuch
run sprio -z
run sprio -j
run sstat
run sstat -j ''
run sstat -e
run sstat -j $R
run sstat -j $R.0
run sstat -n -j $R.batch -o jobid,ntasks
run sstat -n -a -j $R -o jobid,ntasks
run sstat -j $R.batch -o jobid%20,ntasks%-10
run sstat -P -n -j $R.batch
run sstat -P -i -a -j $R
run sstat -p -j $R.batch -o jobid,ntasks
run sstat -P -j $R.batch -o jobid,ntasks,nodelist
run sstat -P -n $R.batch -o jobid
run sstat -j $H -o jobid
run sstat -j $R.batch,99999 -o jobid
run sstat -j $R.extern -o jobid
run sstat -j abc
run sstat -j 1.foo
run sstat -j $R.batch -o nosuch
run sstat -j $R.batch -o all
run sstat -z
run sstat -j
run strigger
run strigger --get
run strigger --get --jobid=$R
run strigger --clear
run strigger --clear --id=1
run strigger -Q --clear --id=7
run strigger --clear --jobid=$R
run strigger --clear --user=root
run sattach
run sattach abc
run sattach $R
run sattach $R.0 extra
run sattach 99999.batch
run sattach $H.0
run sattach $H.batch
run sattach --layout $R.batch
run sattach $R.extern
run sattach -z 1.0
echo hello >source
chmod 640 source
run sbcast
run sbcast a
run sbcast source b c
run sbcast source b
run sbcast -j $R nosuch b
run sbcast -j 99999 nosuch b
run sbcast -j $R source copy
run stat -c '%a %s' copy
run sbcast -j $R source copy
run sbcast -f -j $R source copy
run sbcast -f -p -j $R.batch source copy
run test source -nt copy
run sbcast -j $R source /nosuch/x
run sbcast -j $R source ./
run sbcast -j $R /tmp x
run sbcast -j $H source x
run sbcast -j 99999 source x
run sbcast -j abc source x
run sbcast -j $R.0 source x
run sbcast -C -F 4 -t 5 -s 1k -j $R source more
run cat more
SLURM_JOB_ID=$R run sbcast source inside
run cat inside
run sbcast -z
scancel $R
over $R
run sattach $R.0

# Nodes as an administrator has them: drained, resumed, described, and what it refuses. (A node that is DOWN is not looked
# at here: the real one has ReturnToService=2, and is back at once.)
# answers: waits until every node does.
answers() {
  local i
  for i in $(seq 300); do
    sinfo -h -o %t | grep -q '[*]' || return
    sleep 0.1
  done
}
node() { THROUGH="grep -oE '(State|Reason|Comment|Extra|Weight|AvailableFeatures|ActiveFeatures|Gres|CPUAlloc)=[^=]*( |$)' | sed 's/ *$//'" run scontrol show node "$1"; }
run scontrol update nodename=n2 state=drain
run scontrol update nodename=n2 state=down
run scontrol update nodename=n2 state=fail
run scontrol update nodename=n2 state=drain 'reason=bad disk'
node n2
run sinfo
run sinfo -R
run sinfo -lR
run sinfo -hR
run sinfo -N -l -p debug
run sinfo -s
run sinfo -t drain
run sinfo -t drained -N -p debug
run sinfo -t idle -h
run sinfo -h -o '%n %T %E %t %A %F %C %N' -n n2 -p debug
run sinfo -h -n n2 -p debug -O statecomplete,reason,user,userlong,timestamp
run scontrol update nodename=n2 reason=other
node n2
run scontrol update nodename=n2 state=resume
answers
node n2
run sinfo -R
run scontrol update nodename=n2 state=resume
run scontrol update nodename=n2 state=undrain
run scontrol update nodename=n2 state=drain reason=once
run scontrol update nodename=n2 state=undrain
answers
run sinfo -h -p debug
# with a job on it
sub -o /dev/null -w n3 --wrap 'sleep 100'; R=$J
until_state $R RUNNING
run scontrol update nodename=n3 state=drain reason=later
node n3
run sinfo -h -p debug
run sinfo -h -N -l -n n3
run sinfo -t drng -h -p debug
run sinfo -t draining -h -p debug -o '%N %T'
run scontrol update nodename=n3 state=idle
run scontrol update nodename=n3 state=future
sub -o /dev/null -w n3 --wrap 'sleep 100'; P=$J
reason $P 'ReqNodeNotAvail, UnavailableNodes:n3'
run squeue -h -j $P -o '%T %r %R'
THROUGH="grep -o 'Reason=[^ ]*'" run scontrol show job $P
scancel $P; over $P
run scontrol update nodename=n3 state=fail reason=worse
node n3
run sinfo -h -p debug
run sinfo -h -t fail -p debug
run scontrol update nodename=n3 state=drain reason=better
node n3
scancel $R; over $R
run sinfo -h -p debug
run scontrol update nodename=n3 state=resume
answers
# several at once
run scontrol update nodename=n[1-2],n4 state=drain reason=many
run sinfo -h -p debug
run sinfo -R
run scontrol update nodename=ALL state=resume
answers
run scontrol update nodename=n1,nosuch,n2 state=drain reason=half
run sinfo -h -p debug
run scontrol update nodename=n[1-2] state=resume
answers
# what else can be said
run scontrol update nodename=n1 weight=7
run scontrol update nodename=n1 'comment=hello there'
run scontrol update nodename=n1 extra=ex
run scontrol update nodename=n1 features=a,b
node n1
run scontrol update nodename=n1 availablefeatures=a,b activefeatures=a
node n1
run sinfo -h -n n1 -p debug -o '%f|%b|%w'
run sbatch -C b -w n1 --test-only --wrap true
run scontrol update nodename=n1 activefeatures=zz
run scontrol update nodename=n1 gres=gpu:2
run scontrol reconfigure
answers
node n1
run scontrol update nodename=n1 comment= extra=
for w in state=nosuch state=dr state=power_down state=power_up weight=foo foo=bar resumeafter=60; do
  run scontrol update nodename=n1 $w
done
run scontrol update nodename=nosuch state=drain reason=x
run scontrol update nodename=n1
run scontrol update nodename=n[1-2 state=idle
run scontrol update nodename= state=idle
run scontrol update node=n1 stat=drain reas=x
run scontrol update nodename=n1 state=idle
answers
run sinfo

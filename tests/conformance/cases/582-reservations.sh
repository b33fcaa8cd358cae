# Reservations: made, shown, changed, refused, used.
res() { THROUGH="grep -v CoreIDs" run scontrol show reservation "$@"; }
run scontrol show reservation
run sinfo -T
run scontrol create reservation=first starttime=now duration=10 users=root nodes=n1
res
run scontrol -o show reservation first
run scontrol create reservation=maint starttime=now+1hour duration=2:00:00 users=root flags=maint,ignore_jobs nodes=ALL
run scontrol create reservationname=named starttime=now+5hours endtime=now+6hours accounts=a,b users=root nodecnt=2
run scontrol create reservation reservation=named2 starttime=now+8hours endtime=now+9hours users=root nodecnt=2
run scontrol create reservation reservation=cores starttime=now+8hours endtime=now+9hours users=root corecnt=3 partition=debug
run scontrol create reservation=daily starttime=now+12hours duration=30 users=root flags=daily nodes=n3
run scontrol create reservation=denied starttime=now+20hours duration=3-0 users=-root,-daemon nodes=n2
res
run sinfo -T
run sinfo -hT
res nosuch
# refused
run scontrol create reservation
new() { run scontrol create reservation=$1 "${@:2}"; }
new a starttime=now duration=10 nodes=n2
new a starttime=now duration=10 users=root
new a starttime=now users=root nodes=n2
new a duration=10 users=root nodes=n2
new first starttime=now duration=10 users=root nodes=n2
new a starttime=now+5hours endtime=now+4hours users=root nodecnt=2
new a starttime=foo duration=10 users=root nodecnt=2
new a starttime=now duration=foo users=root nodecnt=2
new a starttime=now duration=10 users=nosuch nodecnt=2
new a starttime=now duration=10 users=root nodes=nosuch
new a starttime=now duration=10 users=root nodes=n1
new a starttime=now duration=10 users=root nodes=n2 flags=foo
new a starttime=now duration=10 users=root nodes=n2 foo=bar
new a starttime=now duration=10 users=root partition=nosuch nodecnt=1
new a starttime=now duration=10 users=root licenses=nosuch:2
new a starttime=now-1hour duration=10 users=root nodes=n2
new a starttime=2020-01-01 duration=10 users=root nodes=n2
new a starttime=now duration=10 users=root nodecnt=foo
new a starttime=now duration=10 users=root corecnt=99
new over starttime=now duration=10 users=root nodes=n1 flags=overlap
# changed
change() { run scontrol update reservationname=$1 "${@:2}"; }
change daily duration=60
change daily starttime=now+13hours
change daily users+=daemon
change daily users-=root
change daily users=root,daemon
change daily flags+=maint
change daily flags-=maint
change daily nodes=n4
change daily nodes+=n3
res daily
change daily endtime=now
change nosuch duration=3
change daily foo=bar
run scontrol delete reservation=daily
run scontrol delete reservationname=daily
run scontrol delete reservation nosuch
for r in maint named named2 cores denied over; do run scontrol delete reservation=$r; done
# used
sub --reservation=nosuch --wrap true
sub --reservation=first -o in.out -t 2 --wrap 'echo $SLURM_JOB_RESERVATION; sleep 100'; A=$J
until_state $A RUNNING
said in.out first
show in.out
sub --reservation=first -w n2 --wrap true
sub --reservation=first -N2 --wrap true
sub -o /dev/null -w n1 --wrap true; B=$J
reason $B 'ReqNodeNotAvail, May be reserved for other job'
run squeue -h -j $B -o '%T %r %R'
sub -o /dev/null -w n2 -t 5 --wrap 'sleep 100'; C=$J
until_state $C RUNNING
run squeue -h -j $A,$C -o '%T %v %N'
run squeue -h -R first -o '%i %T %v'
THROUGH="grep -o 'Reservation=.*'" run scontrol show job $A
run scontrol delete reservation=first
scancel $A $B $C; over $A; over $C
new later starttime=now+20minutes duration=30 users=root nodes=n2
sub -o /dev/null -w n2 -t 60 --wrap true; D=$J
reason $D 'ReqNodeNotAvail, May be reserved for other job'
run squeue -h -j $D -o '%T %r'
sub -o /dev/null -w n2 -t 10 --wrap 'sleep 100'; E=$J
until_state $E RUNNING
sub -o /dev/null --reservation=later --wrap true; F=$J
reason $F Reservation
run squeue -h -j $F -o '%T %r %v'
scancel $D $E $F; over $E; over $F
new foreign starttime=now duration=10 users=daemon nodes=n3
sub --reservation=foreign --wrap true
for r in first later foreign; do run scontrol delete reservation=$r; done
new lic starttime=now duration=10 users=root licenses=matlab:1
new lic starttime=now duration=10 users=root licenses=matlab:1 flags=any_nodes
res lic
sub -o /dev/null -L matlab:2 --wrap true; G=$J
reason $G Licenses
run squeue -h -j $G -o '%T %r'
scancel $G; over $G
run scontrol delete reservation=lic
run scontrol show reservation

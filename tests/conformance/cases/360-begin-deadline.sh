# jobs that start later, and jobs that never may
date +%s >t0
sub --begin=now+3 -o begin.out --wrap 'date +%s'; A=$J
reason $A BeginTime
run squeue -h -j $A -o '%t %r %N'
over $A
[ $(($(cat begin.out) - $(cat t0))) -ge 2 ] && echo 'it waited'
sub --begin=now+1hour --hold -o /dev/null --wrap true; B=$J
run squeue -h -j $B -o '%t %r'
run scontrol release $B
reason $B BeginTime
run squeue -h -j $B -o '%t %r'
sub --begin=2001-01-01 -o /dev/null --wrap true; over $J
run squeue -t all -h -j $J -o '%t %r'
sub --begin=now -o /dev/null --wrap true; over $J
sub --begin=now+2 --array=1-2 -o /dev/null --wrap true; over $J
run squeue -t all -h -j $J -S i -o '%i %t'
sub -N4 --exclusive -t 1 -o /dev/null --wrap 'sleep 100'; R=$J
until_state $R RUNNING
sub -N4 -t 1 --deadline=now+90 -o /dev/null --wrap true; D=$J
sub --begin=now+600 -t 5 --deadline=now+1200 -o /dev/null --wrap true; E=$J
run squeue -h -j $D,$E -S i -o '%t %j'
run sbatch -t 10 --deadline=now+60 --wrap true
run sbatch --deadline=now --wrap true
run sbatch --deadline=2001-01-01 --wrap true
run sbatch --time-min=5 --deadline=now+1minute --wrap true
run sbatch --begin=now+5minutes -t 10 --deadline=now+10minutes --wrap true

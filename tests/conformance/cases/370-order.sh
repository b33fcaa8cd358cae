# in which order waiting jobs start: priority, nice, tier, submission
log() { sub -w n1 --exclusive -t 5 -o /dev/null "$@" --wrap "echo \$SLURM_JOB_NAME >>$PWD/order"; IDS="${IDS:-} $J"; }
done_all() { run scancel $R; for id in $IDS; do over $id; done; xargs <order; rm order; IDS=; }
block() { sub -w n1 --exclusive -t 5 -o /dev/null --wrap 'sleep 100'; R=$J; until_state $R RUNNING; }
block
log -J a; log -J b; log -J c; log -J d
done_all
block
log -J a --nice=100; log -J b --nice=50; log -J c; log -J d --nice=-50
done_all
block
log -J a --priority=100; log -J b --priority=300; log -J c --priority=200
run squeue -h -S -p -n a,b,c -o '%j %Q %y'
done_all
block
log -J a -p short; log -J b -p urgent; log -J c -p debug; log -J d -p urgent
done_all
block
log -J held -H; H=$J; log -J a; log -J array --array=1-2%1; log -J b
run scontrol release $H
done_all
block
log -J first; A=$J; log -J second -d afterany:$A; log -J third; log -J fourth --priority=TOP
done_all

# every name of squeue's --Format
sub -H -J job -A acct -q qual --comment=words -n 3 -c 2 --mem=100 --gres=gpu:1 -t 1-2:3:4 -C fast --begin=2040-01-02T03:04:05 -x n4 --nice=7 -o out.%j --wrap true; A=$J
sub -H --wrap true; B=$J
for name in account admin_comment alloc-nodes arrayjobid arraytaskid associd batchflag batchhost boardspernode burstbuffer burstbufferstate cluster clusterfeature command comment contiguous \
  cores corespec cpufreq cpus-per-task cpus-per-tres deadline delayboot dependency derivedec eligibletime endtime exit_code feature groupid groupname hetjobid hetjoboffset hetjobidset jobarrayid jobid licenses \
  maxcpus maxnodes mcslabel mem-per-tres minmemory mintime mintmpdisk mincpus name network nice nodes nodelist ntpercore ntpernode ntpersocket ntperboard numcpus numnodes numtasks origin originraw \
  oversubscribe partition preemptime profile qos reason reasonlist reboot reqnodes reqswitch requeue reservation resizetime restartcnt resvport schednodes sct selectjobinfo siblingsactive \
  siblingsactiveraw siblingsviable siblingsviableraw sockets sperboard starttime state statecompact stdin stderr stdout stepid stepname stepstate submittime system_comment threads timeleft timelimit timeused tres-alloc \
  tres-bind tres-freq tres-per-job tres-per-node tres-per-socket tres-per-step tres-per-task userid username wait4switch wckey workdir; do
  run squeue -j $A,$B -S i -O "$name:60"
done
run squeue -j $A -O jobid,name,state
run squeue -j $A -O jobid:.8,name:5,state:-12
run squeue -j $A -O nosuch
run squeue -j $A -O jobid:###,state:##

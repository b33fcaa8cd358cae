# Commands from standard input: what the prompt shows, its own words, quotes, ends, exit codes.
sub -H -o /dev/null --wrap true; J=$J
for lines in 'exit\n' 'EXIT\nping\n' 'ex\nping\n' 'quit\n' 'q\n' 'e\n' 'exit now\nshow hostlist n1\n' '' '\n' ' \n\n' '!!\n' '!! x\n' \
  'nosuch\n' 'nosuch word\nping\n' 'nosuch\nshow hostlist n1\n' 'show hostlist n1,n2\n!!\n' 'show hostlist n1,n2' \
  'oneliner x\nshow hostlist n1\n' 'details x\n' 'quiet x\n' 'verbose x\n' 'all x\n' 'hide x\n' 'quiet\nshow job 99999\n' 'quiet\nnosuch\n' \
  'SHOW HostList n1,n2\nEXIT\nping\n' 'show hostlist "n1,n2"\n' 'show hostlist n1 # n2\n' 'show hostlist n1; ping\n' 'show\n' 'hold\n' \
  'requeue\nversion x\n' 'update JobId=99999 Name=k\nshow hostlist n1\n' 'nosuch\nexit\n' 'errnumstr 2\nerrnumstr 2x\nerrnumstr 2061\n'; do
  THROUGH="grep -v '^slurm[- ]'" runin "$lines" scontrol
done
THROUGH="grep -v '^slurm[- ]'" runin 'verbose\nversion\nquiet\nversion\n' scontrol
runin "update JobId=$J Comment='two words'\n" scontrol
run squeue -h -j "$J" -o %k
THROUGH='cut -c1-40' runin "oneliner\nshow job $J\n" scontrol
for word in exit quit '!!' oneliner quiet verbose details all hide q e; do run scontrol "$word"; done
run scontrol exit x

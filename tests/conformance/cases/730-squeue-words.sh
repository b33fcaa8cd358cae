# squeue: unknown columns with suffixes, widths below none, headers that are too long for their column, ids out of range, filters in other cases, steps with formats
sub -H -J Name --comment '' -x n2 -w n1 --wrap true
A=$J
sub -H -J arr --array=1-6 --wrap true
B=$J
run scontrol release "${B}_4"
run scontrol hold "${B}_3"
over "${B}_4"
for names in nosuch:x nosuch:5 'jobid,nosuch:.5x,name' 'jobid,:x,nosuch:y,:.5z' 'jobid:-5,nosuch:-5x,name:.-3|' '%x:5,jobid'; do
  run squeue -j "$A" -O "$names"
done
for letters in '%.2N|%2N|' '%.2R|%2R|' '%.2Y|%2Y|' '%.2n|%2n|' '%.1x|%1x|' '%.2S|%.2P|' '%k|%3k|%.1k|'; do
  run squeue -j "$A" -o "$letters"
done
run squeue -s -u nobody -o '%.2N|%2N|'
run squeue -h -j "$A" -O 'comment,comment:3'
for id in 2147483647,1 2147483648,1 4294967294 4294967297,1 ; do run squeue -h -j "$id"; done
for step in 77. 77.-1 77.2147483648 77.4294967291; do run squeue -h "-s$step"; done
run squeue -j -s
run squeue -s -j
run squeue -j -s77.0
for words in '-l -o %i' --nosuch '-t nosuch' '-u nosuch' '-i x' '-O x -o x' '--steps=x.1' '-w n9'; do
  run squeue -h -j abc $words
done
run squeue -h -u nosuch -t nosuch
export SQUEUE_STATES=nosuch SQUEUE_USERS=nosuch
run squeue -j abc
run squeue -l -o %i
run squeue
unset SQUEUE_STATES SQUEUE_USERS
run squeue -h -n NAME -o %j
run squeue -h -n name,ARR -o %j
for name in rsv nosuch,rsv; do run squeue -h -R "$name" -o %i; done
for user in ' 0' +0 '0 ' 00 -0 0x0; do run squeue -h -j "$A" -u "$user" -o %j; done
for nodes in n9,n8 n10,n9 b,A,n9 'n1,,n[1' 'n9]'; do run squeue -h -w "$nodes"; done
run squeue -h -S i -n arr
run squeue -h -S i -n arr --array-unique
run squeue -h -S i -n arr --array-unique -O 'jobarrayid:20,arraytaskid:10,reason'
run squeue -h -S i -n arr -r
SQUEUE_ARRAY_UNIQUE=1 run squeue -h -S i -n arr
for ids in "${B}_2,$B" "$B,${B}_2" "${B}_2,$B,${B}_6" "${B}_2,${B}_6"; do run squeue -h -S i -j "$ids" --array-unique; done
run scancel "$A" "$B"
sub -t 5 --wrap 'sleep 60'
until_state "$J" RUNNING
for words in '-S b' '-S b,i' --start '-l --start' '-S c,f'; do THROUGH=young run squeue -s -j "$J" $words; done
export SQUEUE_FORMAT=%i SQUEUE_FORMAT2=jobid
THROUGH=young run squeue -s -j "$J"
THROUGH=young run squeue -s -l -h -j "$J"
unset SQUEUE_FORMAT SQUEUE_FORMAT2
scancel "$J"
over "$J"
sub -t 5 -L matlab:2 -w n1 --wrap 'sleep 60'
until_state "$J" RUNNING
sub -t 5 -L matlab:1 -J more --wrap true
reason "$J" Licenses
sleep 3
run squeue -h -n more -o '%S %r'
sub -H -N2 -n3 --ntasks-per-node=2 -c2 --wrap true
run squeue -h -j "$J" -o '%D %C'
sub -H -N3 -n3 --ntasks-per-node=1 -c2 --wrap true
run squeue -h -j "$J" -o '%D %C'

# scancel -i: questions and answers
sub -H -J one -o /dev/null --wrap true; A=$J
sub -H -J two -o /dev/null --wrap true; B=$J
sub -H -J arr --array=1-3 -o /dev/null --wrap true; C=$J
f="-h -t all -S i -o %i|%t -j $A,$B,$C"
runin 'n\n' timeout 5 scancel -i $A
runin 'no\n' timeout 5 scancel --interactive $A
runin 'maybe\n\nnever\n' timeout 5 scancel -i $A
run squeue $f
runin 'y\n' timeout 5 scancel -i $A
run squeue $f
runin 'n\ny\nn\n' timeout 5 scancel -i -n two,one --me
runin 'N\nY\n' timeout 5 scancel -i --me
run squeue $f
runin 'y\n' timeout 5 scancel -i ${C}_2
run squeue $f
runin 'y\ny\n' timeout 5 scancel -i $B $C
run squeue $f
runin 'y\n' timeout 5 scancel -i 99999999
runin 'y\n' timeout 5 scancel -i $A
sub -H -J env -o /dev/null --wrap true; D=$J
SCANCEL_INTERACTIVE=1 runin 'n\n' timeout 5 scancel $D
SCANCEL_INTERACTIVE=0 run scancel -v $D

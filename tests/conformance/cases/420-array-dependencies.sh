# dependencies on arrays and between arrays
sub -w n1 --array=1-3 -H -o /dev/null --wrap '[ $SLURM_ARRAY_TASK_ID -ne 2 ]'; A=$J
sub --array=1-3 -d aftercorr:$A -o /dev/null --wrap true; B=$J
sub -d afterok:$A -o /dev/null --wrap true; C=$J
sub -d afternotok:$A -o /dev/null --wrap true; D=$J
sub -d afterany:$A -o /dev/null --wrap true; E=$J
sub -d afterok:${A}_1 -o /dev/null --wrap true; F=$J
sub -d afterok:${A}_2 -o /dev/null --wrap true; G=$J
sub -d afternotok:${A}_2:${A}_3 -o /dev/null --wrap true; H=$J
sub -d afterany:${A}_1,afternotok:${A}_2 -o /dev/null --wrap true; I=$J
sub -d "afterok:${A}_1?afterok:${A}_2" -o /dev/null --wrap true; K=$J
sub -d afterok:${A}_9 -o /dev/null --wrap true
reason $C Dependency
run squeue -r -h -S i -j $B,$C,$D,$E,$F,$G,$H,$I,$K -o '%i|%t|%r|%E'
THROUGH="grep -o 'Dependency=.*'" run scontrol show job $I
run scontrol release $A
over $A; over $D; over $E; over $F; over $I; over $K
reason $C DependencyNeverSatisfied; reason $G DependencyNeverSatisfied; reason $H DependencyNeverSatisfied
until_state ${B}_1 COMPLETED; until_state ${B}_3 COMPLETED
run squeue -t all -h -S i -j $A,$B,$C,$D,$E,$F,$G,$H,$I,$K -o '%i|%t'
scancel --me
sub -H -J chain -o /dev/null --wrap true; A=$J
sub -J chain -d singleton -o /dev/null --wrap true; B=$J
sub -J chain --dependency=singleton,afterany:$A -o /dev/null --wrap true; C=$J
reason $B Dependency
run squeue -h -S i -j $A,$B,$C -o '%j|%t|%r|%E'
run scontrol release $A
over $A; over $B; over $C
run squeue -h -t all -S i -j $A,$B,$C -o '%j|%t|%E'
sub -H -o /dev/null --wrap 'exit 1'; A=$J
sub -d afterok:$A --kill-on-invalid-dep=yes -o /dev/null --wrap true; B=$J
sub -d afterok:$A --kill-on-invalid-dep=no -o /dev/null --wrap true; C=$J
sub -d afterok:$B -o /dev/null --wrap true; D=$J
sub -d afterany:$B -o /dev/null --wrap true; E=$J
run scontrol release $A; over $A; over $B; over $E
reason $C DependencyNeverSatisfied; reason $D DependencyNeverSatisfied
run squeue -h -t all -S i -j $A,$B,$C,$D,$E -o '%t|%r'
scancel $C $D
sub -d after:99999999 -o /dev/null --wrap true; over $J
sub -d afternotok:99999999 -o /dev/null --wrap true
sub -d expand:99999999 -o /dev/null --wrap true
sub -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -d after:$A -o /dev/null --wrap true; over $J
sub -d after:$A+60 -o /dev/null --wrap true; B=$J
reason $B Dependency
run squeue -h -j $B -o '%t|%r|%E'
run scancel $A $B

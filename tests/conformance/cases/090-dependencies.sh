# dependencies, their reasons and their ends
sub -H -J base -o /dev/null --wrap 'exit 0'; A=$J
sub -H -J bad -o /dev/null --wrap 'exit 1'; B=$J
sub -d afterok:$A -o /dev/null --wrap true; C=$J
sub -d afternotok:$A -o /dev/null --wrap true; D=$J
sub -d afterany:$A,afterok:$B -o /dev/null --wrap true; E=$J
sub -d afterok:$A?afterok:$B -o /dev/null --wrap true; F=$J
sub -d after:$A -o /dev/null --wrap true; G=$J
sub -d afterok:$B --kill-on-invalid-dep=yes -o /dev/null --wrap true; H=$J
sub -J base -d singleton -o /dev/null --wrap true; S=$J
sub -d afterok:99999999 -o /dev/null --wrap true; over $J
reason $S Dependency
run squeue -j $C,$D,$E,$F,$G,$H,$S -o '%A %t %r %E'
run scontrol release $A
over $A; over $C; over $F; over $G; over $S
reason $D DependencyNeverSatisfied
run squeue -t all -j $A,$C,$D,$E,$F,$G,$S -S i -o '%A %T %r %E'
run scontrol release $B
over $B; reason $E DependencyNeverSatisfied; over $H
run squeue -t all -j $B,$E,$H -S i -o '%A %T %r %E'

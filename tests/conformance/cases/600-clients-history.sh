# how clients ask for history: the same filter said several times (submitit: one -j for each job)
sub -A research -o /dev/null -J one --wrap true; A=$J
over $A
sub -A research -o /dev/null -J two --wrap 'exit 2'; B=$J
over $B
for i in $(seq 100); do [ "$(sacct -X -n -P -o state -j "$A,$B" | sort | tr '\n' ' ')" = "COMPLETED FAILED " ] && break; sleep 0.2; done
run sacct -o JobID,State --parsable2 -X -j $A -j $B
run sacct -o JobID -o State --parsable2 -X -j $A
run sacct -o JobID,State -n -P -X -S today -E now -j $A,$B -s CD -s F
run sacct -o JobID -n -P -X -j $A,$B -u nobody -u root

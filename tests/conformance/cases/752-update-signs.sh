# scontrol update: += and -= of what takes none, by what is wrong besides
sub -H -o /dev/null --wrap true
for field in Contiguous-=x Contiguous-=yes nosu-=debug nosuch+=1 ReqThreads-=2030-01-01 BatchFeatures-=1G Comment+=x ReqProcs-=x Nice-=x Nice+=5 MinMemoryNode+=x Requeue+=2 Requeue-=1 \
  Gres+=x JobName-=b Shared=UNLIMITED; do
  run scontrol update JobId=$J $field
done
run scontrol update JobId=$J ReqProcs-=x Container-=5
run scancel $J

# What sacctmgr lists where there is none of it, and how few letters are enough.
for e in federation resource wckey; do
  run sacctmgr list $e
  run sacctmgr -np show $e
  run sacctmgr -p show $e
done
run sacctmgr list runawayjobs
run sacctmgr -n show run
for v in l li lis List sho SHOW; do run sacctmgr -np $v user root; done
for e in a c f fed w wckeys r res resources q qo qoss u x; do THROUGH='wc -c' run sacctmgr -np list $e name=nosuch; done
run sacctmgr -p list federation format=federation,fed,features,fedstate
run sacctmgr -p list wckey format=wckey,cluster,user
run sacctmgr list federation format=nosuch
run sacctmgr -p list cluster format=classification
run sacctmgr list account root withcoord

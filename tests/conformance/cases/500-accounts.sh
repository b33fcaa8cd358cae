# sshare, sacctmgr, sreport: accounts, users, clusters and what is refused; with a database behind the real ones
sub -A research -H -o /dev/null --wrap true
for option in '' -a -l -U -n -p -P -m -v --noheader; do
  run sshare $option
done
run sshare -u root
run sshare -u nosuch
run sshare -u root,bin
run sshare -A research
run sshare -A nosuch
run sshare -A research -U
run sshare -a -A root
run sshare -e
run sshare -P -l
run sshare -M oracle
run sshare -M nosuch
run sprio -M nosuch
run sprio -M oracle
run sdiag -M nosuch
run sdiag -z
run sreport -M nosuch cluster utilization
run sreport cluster utilization start=2026-01-05 end=2026-01-06
run sreport -P user top start=2026-01-05 end=2026-01-06 topcount=3
run sreport -t hours cl ut start=2026-01-05 end=2026-01-06
run sreport -t percent cluster utilization start=2026-01-05 end=2026-01-06
run sreport -n -P user topusage start=2026-01-05 end=2026-01-06
run sreport cluster utilization format=cluster,allocated%10 start=2026-01-05 end=2026-01-06
run sshare -o Account,User
run sshare -o account%-12,user%5
run sshare -P -o id,cluster,grptresraw,levelfs,norm,raw
run sshare -o nosuch
run sshare -o all
run sshare -U --format Account%30 --noheader
run sshare -u
run sshare -z
run sacctmgr show user
run sacctmgr -n -P list user
run sacctmgr SHOW USER
run sacctmgr sho us
run sacctmgr show user root
run sacctmgr show user root bin
run sacctmgr list user nosuch
run sacctmgr show user name=root
run sacctmgr show user names=bin
run sacctmgr show user where user=root
run sacctmgr show user adminlevel=none
run sacctmgr show user defaultaccount=root
run sacctmgr show user withassoc
run sacctmgr -P show user withassoc
run sacctmgr -s list user
run sacctmgr -n -s list user root format=account%30
run sacctmgr -n list user root withassoc format=user,account,defaultaccount,adminlevel,cluster,qos
run sacctmgr list user format=nosuch
run sacctmgr show user foo=bar
run sacctmgr show account
run sacctmgr -n -P list account
run sacctmgr show acc research
run sacctmgr show account name=nosuch
run sacctmgr show account withassoc format=account,user
run sacctmgr show assoc
run sacctmgr -p show assoc
run sacctmgr show association where account=research
run sacctmgr show associations account=nosuch
run sacctmgr show assoc user=root format=account,user,qos,cluster
run sacctmgr show assoc format=id,user%5,account%-20
run sacctmgr show assoc tree format=account,user
run sacctmgr show qos
run sacctmgr -n -P list qos
run sacctmgr show qos format=name,priority,maxwall
run sacctmgr show qos nosuch
run sacctmgr show qos where name=normal format=name
run sacctmgr show tres
run sacctmgr show tres gres/gpu
run sacctmgr show tres format=type,id
run sacctmgr show cluster format=cluster,rpc,qos
run sacctmgr show cluster nosuch
run sacctmgr -n -P show cluster oracle format=cluster,controlhost,share
run sacctmgr list nosuch
run sacctmgr list
run sacctmgr show job
run sacctmgr nosuch
run sacctmgr sh user
run sacctmgr -r -i add account z
run sacctmgr version
run sacctmgr -z
run sreport cluster nosuch
run sreport nosuch
run sreport cluster
run sreport user
run sreport -z
run sreport version

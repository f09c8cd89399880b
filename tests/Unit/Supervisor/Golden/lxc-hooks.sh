#!/bin/sh -e
printf %s 'example.test' > '/proc/sys/kernel/domainname'
printf %s 'it'\''s' > '/proc/sys/net/ipv4/conf/eth0.1/forwarding'
printf %s '1' > '/proc/sys/net/ipv4/ip_forward'
#!/bin/sh
cat '/sys/fs/cgroup/memory/a b/memory.oom_control' > '/run/x/it'\''s' 2>/dev/null
exit 0
#!/bin/sh -e
echo "$LXC_PID" > '/run/x/pid.new'
mv '/run/x/pid.new' '/run/x/pid'
exec timeout 30 head -n 1 '/run/x/gate' > /dev/null

# Sourced by tasks.sh: a private engine for the demo and for the module's tests. Whatever happens, nothing of it is left.

engine_start() { # engine_start: starts gantryd of out/bin on roots of its own; sets engine_dir and GANTRY_HOST
  engine_dir=$(mktemp -d /tmp/gantry-XXXXXX)
  engine_name=gt${engine_dir##*-}
  export GANTRY_HOST=unix://$engine_dir/gantry.sock
  : > "$engine_dir/daemon.json"
  "$out/bin/gantryd" --config-file "$engine_dir/daemon.json" --data-root "$engine_dir/root" --exec-root "$engine_dir/run" -H "$GANTRY_HOST" -G '' --experimental \
    --bridge "$engine_name" --cgroup-parent "/$engine_name" --default-address-pool "base=10.$((RANDOM % 200 + 16)).0.0/16,size=24" 2> "$engine_dir/log" &
  engine_pid=$!
  trap engine_stop EXIT
  # The socket is there at once, and a connection waits until the engine is ready.
  for _ in $(seq 300); do [ -S "$engine_dir/gantry.sock" ] && break; kill -0 $engine_pid 2> /dev/null || break; sleep 0.05; done
  "$out/bin/gantry" ping > /dev/null || { cat "$engine_dir/log" >&2; fail 'the engine did not start'; }
}

engine_stop() {
  trap - EXIT
  [ -n "${engine_dir:-}" ] || return 0
  local ids id pid group table
  ids=$("$out/bin/gantry" containers --all 2> /dev/null | sed -n 's/^{"Id":"\([0-9a-f]*\)".*/\1/p') || true
  for id in $ids; do "$out/bin/gantry" delete "$id" --force --v > /dev/null 2>&1 || true; done
  kill -TERM "$engine_pid" 2> /dev/null && wait "$engine_pid" 2> /dev/null || true
  # Its supervisor lives on without containers; it is known by its run-time folder.
  for pid in /proc/[0-9]*; do
    tr '\0' ' ' 2> /dev/null < "$pid/cmdline" | grep -q "^gantry-supervisor .*$engine_dir/run" && kill -KILL "${pid#/proc/}" || true
  done 2> /dev/null
  for group in $(find /sys/fs/cgroup -maxdepth 2 -type d -name "$engine_name" 2> /dev/null); do find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true; done
  awk -v dir="$engine_dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do umount -l "$mount" 2> /dev/null || true; done
  ip link delete "$engine_name" 2> /dev/null || true
  nft list tables 2> /dev/null | grep -- "gantry-$engine_name\$" | while read -r _ table; do nft delete table $table 2> /dev/null || true; done
  rm -rf "$engine_dir"
  engine_dir=
}

busybox_rootfs() { # busybox_rootfs: a root filesystem made of Debian's static busybox, as a tar on standard output
  local dir applet
  dir=$(mktemp -d /tmp/gantry-rootfs-XXXXXX)
  mkdir -p "$dir"/{bin,dev,etc,proc,root,sys,tmp,var}
  chmod 755 "$dir"
  chmod 1777 "$dir/tmp"
  cp /bin/busybox "$dir/bin/"
  for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' > "$dir/etc/passwd"
  printf 'root:x:0:\nmail:x:8:\nnogroup:x:65534:\n' > "$dir/etc/group"
  tar -C "$dir" --owner=0 --group=0 -cf - .
  rm -rf "$dir"
}

# Reboots in a while, so that this answer is out before, and prints which start of the system this is.
printf 'boot=%s\n' "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || who -b)"
(sleep 20; shutdown -r now || reboot) >/dev/null 2>&1 </dev/null &

# Whether a reboot is pending, and which start of the system this is.
p=False
if [ -e /var/run/reboot-required ] || [ -e /run/reboot-required ]; then p=True; fi
if command -v needs-restarting >/dev/null 2>&1 && ! needs-restarting -r >/dev/null 2>&1; then p=True; fi
printf 'pending=%s\nboot=%s\n' "$p" "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || who -b)"

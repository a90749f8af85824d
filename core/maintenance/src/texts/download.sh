# Fetches a file into a folder that only its owner writes to, and prints where it lies.
# LP_url, LP_sha256 (or nothing), LP_file, LP_id.
umask 077
d="${LINCHPIN_PACKAGES:-/var/lib/linchpin/packages}/$LP_id"
mkdir -p "$d" || exit 1
f="$d/$LP_file"
digest() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"; else openssl dgst -sha256 -r <"$1"; fi | cut -c1-64
}
fits() {
    [ -n "$LP_sha256" ] && [ -f "$1" ] && [ "$(digest "$1")" = "$(printf %s "$LP_sha256" | tr A-F a-f)" ]
}
if ! fits "$f"; then
    if command -v curl >/dev/null 2>&1; then
        curl -fsSL --max-time 1500 -o "$f.part" "$LP_url" || exit 1
    else
        wget -q -O "$f.part" "$LP_url" || exit 1
    fi
    if [ -n "$LP_sha256" ] && ! fits "$f.part"; then
        echo "what was fetched has the digest $(digest "$f.part"), and not $LP_sha256" >&2
        rm -f "$f.part"
        exit 1
    fi
    mv -f "$f.part" "$f" || exit 1
fi
printf '%s\n' "$f"

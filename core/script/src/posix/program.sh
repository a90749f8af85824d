# Makes the folder, runs the body as a file of its own, and prints the frame. ASCII only.
lp_n=@NONCE@
lp_d=@FOLDER@/$lp_n
lp_u() { base64 -d; }
lp_e() { base64 | tr -d '\n'; }
if [ "$(printf eA== | base64 -d 2>/dev/null)" != x ]; then
lp_u() { openssl base64 -d -A; }
lp_e() { openssl base64 -A; }
fi
lp_h() {
if command -v sha256sum >/dev/null 2>&1; then sha256sum
elif command -v shasum >/dev/null 2>&1; then shasum -a 256
else openssl dgst -sha256 -r
fi | cut -c1-64
}
lp_say() { printf 'lp:%s:%s\n' "$lp_n" "$1"; }
lp_word() { printf '%s %s\n%s\n' "$1" "$(printf %s "$2" | wc -c | tr -d ' ')" "$2"; }
lp_capped() {
[ -f "$2" ] || return 0
lp_c=$(wc -c <"$2" | tr -d ' ')
if [ "$lp_c" -le $(($3 + $4)) ]; then
printf '%s.head %s\n' "$1" "$lp_c"; cat "$2"; echo
else
printf '%s.head %s\n' "$1" "$3"; head -c "$3" "$2"; echo
printf '%s.tail %s\n' "$1" "$4"; tail -c "$4" "$2"; echo
lp_word "$1.left" $((lp_c - $3 - $4))
fi
}
lp_end() {
lp_e <"$1" >"$1.b"
lp_i=0
{ fold -w 48 "$1.b"; echo; } | while read -r lp_l; do
[ -n "$lp_l" ] && lp_say "$lp_i:$lp_l:"
lp_i=$((lp_i + 1))
done
lp_i=$((($(wc -c <"$1.b") + 47) / 48))
lp_say "end:$lp_i:$(lp_h <"$1")"
}
umask 077
lp_say begin
trap 'rm -rf "$lp_d"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if ! mkdir -p "$lp_d"; then
printf 'failed 21\nfolder cannot be made\n' | { lp_t=$(lp_e); lp_say "0:$lp_t:"; lp_say "end:1:$(printf %s "$lp_t" | lp_u | lp_h)"; }
exit 0
fi
lp_failed() { lp_word failed "$1" >"$lp_d/f"; lp_end "$lp_d/f"; exit 0; }
printf %s '@BODY@' | lp_u >"$lp_d/b" || lp_failed 'folder cannot be written to'
@VARIABLES@
@SECRETS@
lp_t=$(date +%s)
lp_x=0
lp_run() {
if command -v timeout >/dev/null 2>&1; then timeout -k 5 @LIMIT_S@ sh "$lp_d/b"
else sh "$lp_d/b"
fi
}
lp_run </dev/null >"$lp_d/o" 2>"$lp_d/e" || lp_x=$?
lp_t=$(($(date +%s) - lp_t))
{
lp_capped out "$lp_d/o" @HEAD@ @TAIL@
lp_capped err "$lp_d/e" @ERROR_HEAD@ @ERROR_TAIL@
if [ "$lp_t" -ge @LIMIT_S@ ] && { [ $lp_x -eq 124 ] || [ $lp_x -eq 137 ]; }; then lp_word timeout @LIMIT_S@
else lp_word status "exit $lp_x
kind line"
fi
} >"$lp_d/f"
lp_end "$lp_d/f"

lp_secret() {
lp_v=$(printf '%s\n' "$lp_s" | tr -d '\r' | awk -v n="$1" '$1 == n { print $2; f = 1 } END { exit !f }') || return 1
lp_v=$(printf %s "$lp_v" | lp_u; echo x)
lp_v=${lp_v%x}
}

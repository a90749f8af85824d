# One line for each installed package that is asked for: its number, its version, its name, parted by tabs.
# LP_wanted: a line each, how to compare, a tab, with what.
t=$(printf '\t')
if command -v dpkg-query >/dev/null 2>&1; then
    all=$(dpkg-query -W -f '${db:Status-Abbrev}\t${Version}\t${Package}\n' | awk -F "$t" 'substr($1, 2, 1) == "i" { print $2 "\t" $3 }')
elif command -v rpm >/dev/null 2>&1; then
    all=$(rpm -qa --qf '%{VERSION}-%{RELEASE}\t%{NAME}\n')
elif command -v apk >/dev/null 2>&1; then
    all=$(apk list -I 2>/dev/null | awk '{ n = $1; v = n; sub(/^.*-/, "", v); n = substr(n, 1, length(n) - length(v) - 1); r = n; sub(/^.*-/, "", r); n = substr(n, 1, length(n) - length(r) - 1); print r "-" v "\t" n }')
else
    echo 'neither dpkg-query, rpm nor apk is here to say what is installed' >&2
    exit 1
fi
export all
awk -F "$t" 'BEGIN {
    rows = split(ENVIRON["all"], row, "\n")
    asked = split(ENVIRON["LP_wanted"], want, "\n")
    for (i = 1; i <= asked; i++) {
        if (split(want[i], w, "\t") < 2) continue
        for (r = 1; r <= rows; r++) {
            if (split(row[r], p, "\t") < 2) continue
            n = tolower(p[2]); x = tolower(w[2]); hit = 0
            if (w[1] == "contains") hit = index(n, x) > 0
            else if (w[1] == "exact") hit = n == x
            else if (w[1] == "regex") hit = p[2] ~ w[2]
            if (hit) print (i - 1) "\t" p[1] "\t" p[2]
        }
    }
}'

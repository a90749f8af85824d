# Takes away the packages that are asked for. LP_how, LP_with: how to compare, and with what.
t=$(printf '\t')
if command -v dpkg-query >/dev/null 2>&1; then
    all=$(dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\n' | awk -F "$t" 'substr($1, 2, 1) == "i" { print $2 }')
elif command -v rpm >/dev/null 2>&1; then
    all=$(rpm -qa --qf '%{NAME}\n')
else
    all=$(apk info)
fi
hits=$(printf '%s\n' "$all" | awk 'BEGIN { h = ENVIRON["LP_how"]; w = ENVIRON["LP_with"]; x = tolower(w) } {
    n = tolower($0); hit = 0
    if (h == "contains") hit = index(n, x) > 0
    else if (h == "exact") hit = n == x
    else if (h == "regex") hit = $0 ~ w
    if (hit) print
}')
if [ -z "$hits" ]; then
    echo 'nothing of it is there'
    exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get remove -y $hits
elif command -v dpkg >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    dpkg --remove $hits
elif command -v dnf >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    dnf remove -y $hits
elif command -v rpm >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    rpm -e $hits
else
    # shellcheck disable=SC2086
    apk del $hits
fi

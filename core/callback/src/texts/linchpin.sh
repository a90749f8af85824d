# What a script that runs in the hub may ask the hub for, for sh:   . "$LINCHPIN_SH"
# It stands on curl, LINCHPIN_URL and LINCHPIN_TOKEN; docs/metascripts.md describes the interface below it.

# linchpin_call METHOD PATH [CURL ARGUMENT]...: the token is on no command line, and no file of curl's own is read.
linchpin_call() {
    lp_method=$1 lp_path=$2
    shift 2
    curl -q -sS --fail-with-body --noproxy '*' --retry 30 --retry-delay 1 -K /dev/fd/3 -X "$lp_method" \
        -H 'Accept: text/plain' "$@" "$LINCHPIN_URL/$lp_path" 3<<LP_CONFIG
header = "Authorization: Bearer $LINCHPIN_TOKEN"
LP_CONFIG
}

# linchpin_invoke [-r] [-u] [-l LANGUAGE] [-t SECONDS] [-a NAME=VALUE]... [-s SECRET]... < SCRIPT
# Has the computer of this session run a script. Prints what it printed, and ends with what it ended with; with 124
# where it took too long, 125 where it was not run, 126 where nobody is logged on, 127 where the computer is away.
# -r promises that it changes nothing; -u runs it as whoever is logged on.
linchpin_invoke() {
    lp_head=$(mktemp "${TMPDIR:-/tmp}/linchpin.XXXXXX") || return 125
    lp_language=powershell lp_context=system lp_reads=false lp_limit='' lp_end=125
    OPTIND=1
    # What is given by -a and -s gathers as a file of curl's.
    lp_given=$(mktemp "${TMPDIR:-/tmp}/linchpin.XXXXXX") || return 125
    while getopts rul:t:a:s: lp_option; do
        case $lp_option in
        r) lp_reads=true ;;
        u) lp_context=user ;;
        l) lp_language=$OPTARG ;;
        t) lp_limit=$OPTARG ;;
        a) printf 'linchpin-argument: %s\n' "$OPTARG" >>"$lp_given" ;;
        s) printf 'linchpin-secret: %s\n' "$OPTARG" >>"$lp_given" ;;
        *) rm -f "$lp_head" "$lp_given" && return 125 ;;
        esac
    done
    if linchpin_call POST invoke -D "$lp_head" -H 'Content-Type: text/plain; charset=utf-8' \
        -H "linchpin-language: $lp_language" -H "linchpin-context: $lp_context" \
        -H "linchpin-reads-only: $lp_reads" ${lp_limit:+-H "linchpin-time-limit: $lp_limit"} \
        -H "@$lp_given" --data-binary @-; then
        case $(tr -d '\r' <"$lp_head" | sed -n 's/^linchpin-outcome: *//p') in
        finished) lp_end=$(tr -d '\r' <"$lp_head" | sed -n 's/^linchpin-exit: *//p') ;;
        timed_out) lp_end=124 ;;
        nobody_logged_on) lp_end=126 ;;
        offline) lp_end=127 ;;
        esac
    fi
    rm -f "$lp_head" "$lp_given"
    case $lp_end in
    '' | *[!0-9]*) return 1 ;;
    *) [ "$lp_end" -le 255 ] && return "$lp_end" || return 1 ;;
    esac
}

# linchpin_fact [NAME]: what is known under a name, computer/name for one; all of it, as JSON, without one.
linchpin_fact() { linchpin_call GET "facts${1:+/$1}"; }

# linchpin_report LINE: how it goes.
linchpin_report() { printf '%s' "$*" | linchpin_call POST report -H 'Content-Type: text/plain; charset=utf-8' --data-binary @-; }

# linchpin_result < JSON: what came of it.
linchpin_result() {
    lp_result=$(cat)
    printf '{"result":%s}' "$lp_result" | linchpin_call POST report -H 'Content-Type: application/json' --data-binary @-
}

# linchpin_token [RESOURCE]: an access token for a resource of the tenant of this session.
linchpin_token() { linchpin_call GET "token?resource=${1:-graph}"; }

#!/bin/sh
# Checks an unpacked evidence bundle with stock tools: a POSIX shell, jq, openssl and the coreutils.
#
#   unzip -d bundle assessment.zip && sh verify.sh bundle
#
# Prints one line per check: "ok", "FAIL" or "note". Exit status: 0 everything held, 1 something did not, 2 it could not
# run. It does not recompute readings and findings; `campus-agent verify` does.
#
# AGENT_PUB, LOG_VKEY and CHALLENGE_PUB may name files with keys that you got from somebody else than the school; they
# are then used instead of the bundle's own. AGENT_PUB may hold several keys, as the trust directory of a bureau does.

set -u
LC_ALL=C
export LC_ALL

failures=0
checks=0
ok() { checks=$((checks + 1)); printf 'ok    %s\n' "$1"; }
fail() { checks=$((checks + 1)); failures=$((failures + 1)); printf 'FAIL  %s\n' "$1"; }
note() { printf 'note  %s\n' "$1"; }
stop() { printf 'FAIL  %s\n' "$1"; exit "${2:-2}"; }
check() { # check <text> <command...>: one line, by the command's exit status
    text=$1
    shift
    if "$@" >/dev/null 2>&1; then ok "$text"; else fail "$text"; fi
}

for tool in jq openssl sha256sum base64 wc head tail tr od cut sort comm mktemp; do
    command -v "$tool" >/dev/null 2>&1 || stop "this script needs $tool"
done
absolute() { case $1 in /* | '') printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }
agent_pub=$(absolute "${AGENT_PUB:-}")
log_vkey=$(absolute "${LOG_VKEY:-}")
challenge_pub=$(absolute "${CHALLENGE_PUB:-}")
cd -- "${1:-.}" || stop "no directory ${1:-.}"
agent_pub=${agent_pub:-trust/agent.pub}
log_vkey=${log_vkey:-trust/log.vkey}
challenge_pub=${challenge_pub:-trust/challenge.pub}
[ -f manifest.json ] && [ -f "$agent_pub" ] || stop "this is not an unpacked bundle: no manifest.json or trust/agent.pub" 1

work=$(mktemp -d) || stop "no temporary directory"
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
: >"$work/found"
: >"$work/named"

sha256() { sha256sum | cut -c1-64; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
size() { echo $(($(wc -c <"$1"))); }
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }
is_digest() { case $1 in *[!0-9a-f]*) return 1 ;; *) [ "${#1}" -eq 64 ] ;; esac; }
is_number() {
    case $1 in 0) return 0 ;; '' | 0* | *[!0-9]*) return 1 ;; *) [ "${#1}" -le 18 ] ;; esac
}

# --- keys ---------------------------------------------------------------------------------------------------------

# A P-256 SubjectPublicKeyInfo is 26 fixed bytes and the 65 bytes of an uncompressed point.
p256_prefix=3059301306072a8648ce3d020106082a8648ce3d03010703420004
p256_key() { # p256_key <pem> <der>
    openssl pkey -pubin -in "$1" -outform DER -out "$2" 2>/dev/null &&
        [ "$(size "$2")" -eq 91 ] && same "$(head -c 27 "$2" | hex)" $p256_prefix
}

# A pinned file may hold several keys of a school, one PEM block behind another. The bundle says which of them it needs;
# where none is that one, the first stays, and the signatures do not hold.
same_key() { p256_key "$1" "$work/one.der" && same "$(sha256 <"$work/one.der")" "$(sha256 <"$2")"; }
return_character=$(printf '\r')
pick_key() { # pick_key <pems> <der> <pem>
    block=
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%"$return_character"}
        case $line in
            '-----BEGIN PUBLIC KEY-----') block=$line ;;
            '-----END PUBLIC KEY-----')
                printf '%s\n%s\n' "$block" "$line" >"$3"
                same_key "$3" "$2" && return 0
                ;;
            *) block=$(printf '%s\n%s' "$block" "$line") ;;
        esac
    done <"$1"
    return 1
}
if p256_key trust/agent.pub "$work/own.der" && pick_key "$agent_pub" "$work/own.der" "$work/agent.pub"; then
    agent_pub=$work/agent.pub
fi
p256_key "$agent_pub" "$work/agent.der" || stop "trust/agent.pub: not an ECDSA P-256 public key" 1
keyid=$(sha256 <"$work/agent.der")
note "the agent's key is $keyid; compare it with the one that was enrolled"

log_name=
if [ -f "$log_vkey" ]; then
    IFS= read -r vkey <"$log_vkey"
    log_name=${vkey%%+*}
    rest=${vkey#*+}
    log_id=${rest%%+*}
    printf '%s' "${rest#*+}" | base64 -d >"$work/log.key" 2>/dev/null
    tail -c +2 "$work/log.key" >"$work/log.raw"
    expected=$({ printf '%s\n' "$log_name"; cat "$work/log.key"; } | sha256 | cut -c1-8)
    [ "$(size "$work/log.key")" -eq 33 ] && same "$(head -c 1 "$work/log.key" | hex)" 01 &&
        same "$log_id" "$expected" || stop "trust/log.vkey: not an Ed25519 verifier key" 1
    # RFC 8410: SubjectPublicKeyInfo of Ed25519 is 12 fixed bytes and the key.
    { printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat "$work/log.raw"; } >"$work/log.der"
    note "the log is $vkey; compare it with the one that the backend publishes"
fi

# --- envelopes ----------------------------------------------------------------------------------------------------

# open_envelope <file> <type> <pem>: 0 if a signature over type and payload is by the key; payload in $work/payload
open_envelope() {
    : >"$work/payload"
    jq -er --arg type "$2" 'if keys == ["payload", "payloadType", "signatures"] and .payloadType == $type
        and (.signatures | length >= 1 and length <= 16) then .signatures[].sig | strings else false end' \
        "$1" >"$work/sigs" 2>/dev/null || return 1
    jq -r .payload "$1" 2>/dev/null | base64 -d >"$work/payload" 2>/dev/null || return 1
    { printf 'DSSEv1 %s %s %s ' "${#2}" "$2" "$(size "$work/payload")"; cat "$work/payload"; } >"$work/pae"
    while IFS= read -r line; do
        printf '%s' "$line" | base64 -d >"$work/sig" 2>/dev/null &&
            openssl dgst -sha256 -verify "$3" -signature "$work/sig" "$work/pae" >/dev/null 2>&1 && return 0
    done <"$work/sigs"
    return 1
}

# read_statement: sets seq, prev, named_key and kind from $work/statement; 1 if it is not a statement of a known type
read_statement() {
    jq -er 'def word: type == "string" and (explode | length > 0 and all(. > 32));
        .predicate as $p | if ._type == "https://in-toto.io/Statement/v1" and (.subject | length) >= 1
        and ($p.prev.sha256 | word) and ($p.keyid | word) and ($p.kind | word) and ($p.seq | type) == "number"
        and .predicateType == (if $p.kind == "assessment" then "urn:campus-agent:assessment:v1"
            else "urn:campus-agent:measurement-run:v1" end)
        then "\($p.seq) \($p.prev.sha256) \($p.keyid) \($p.kind)" else false end' \
        "$work/statement" >"$work/fields" 2>/dev/null || return 1
    IFS=' ' read -r seq prev named_key kind <"$work/fields"
    is_number "$seq"
}

# --- blobs --------------------------------------------------------------------------------------------------------

# blobs_of <statement label>: every subject is in the bundle and has its digest
blobs_of() {
    jq -r '.subject[] | "\(.digest.sha256) \(.name)"' "$work/statement" >"$work/subjects" 2>/dev/null
    while IFS=' ' read -r digest name; do
        if ! is_digest "$digest"; then
            fail "$1: subject $name has no SHA-256 digest"
            continue
        fi
        printf '%s\n' "$digest" >>"$work/named"
        if [ ! -f "blobs/sha256/$digest" ]; then
            fail "$1: subject $name is not in the bundle (blobs/sha256/$digest)"
        elif same "$(sha256 <"blobs/sha256/$digest")" "$digest"; then
            ok "$1: subject $name"
        else
            fail "$1: subject $name was changed (blobs/sha256/$digest)"
        fi
        [ "$name" = challenge.dsse.json ] && challenge_of "$1" "blobs/sha256/$digest"
    done <"$work/subjects"
}

# runs_of <label>: the runs that an assessment judged came before it
runs_of() {
    jq -r '.predicate.runs[]?.sha256' "$work/statement" >"$work/runs" 2>/dev/null
    while IFS=' ' read -r _ _ digest; do printf '%s\n' "${digest#sha256:}"; done <"$work/found" | sort >"$work/before"
    sort -u "$work/runs" | comm -23 - "$work/before" >"$work/absent"
    while IFS= read -r digest; do fail "$1: the run $digest is not in the bundle"; done <"$work/absent"
}

challenge_of() {
    if [ ! -f "$challenge_pub" ]; then
        note "$1: no trust/challenge.pub, the challenge is not checked"
    elif open_envelope "$2" application/vnd.campus-agent.challenge+json "$challenge_pub" &&
        same "$(jq -r .nonce "$work/payload")" "$(jq -r .predicate.challenge.nonce "$work/statement")" &&
        same "$(jq -r .agent "$work/payload")" "$keyid"; then
        ok "$1: challenge"
    else
        fail "$1: challenge (not signed by trust/challenge.pub, or of another nonce or agent)"
    fi
}

# --- receipts -----------------------------------------------------------------------------------------------------

dash=$(printf '\342\200\224')

# receipt_of <file> <payload digest>: why it does not hold is in $why
receipt_of() {
    why="malformed"
    {
        IFS= read -r line && [ "$line" = "c2sp.org/tlog-proof@v1" ] || return 1
        IFS= read -r line || return 1
        : >"$work/leaf"
        case $line in "extra "*)
            printf '%s' "${line#extra }" | base64 -d >"$work/leaf" 2>/dev/null || return 1
            IFS= read -r line || return 1
            ;;
        esac
        index=${line#index }
        [ "$line" = "index $index" ] && is_number "$index" || return 1
        : >"$work/path"
        while IFS= read -r line && [ -n "$line" ]; do printf '%s\n' "$line" >>"$work/path"; done
        : >"$work/checkpoint"
        while IFS= read -r line && [ -n "$line" ]; do printf '%s\n' "$line" >>"$work/checkpoint"; done
        cat >"$work/signatures"
    } <"$1"
    {
        IFS= read -r origin && IFS= read -r tree && IFS= read -r root || return 1
    } <"$work/checkpoint"
    is_number "$tree" || return 1
    why="it is of another log, $origin"
    same "$origin" "$log_name" || return 1
    why="the log did not sign the checkpoint"
    checkpoint_signed || return 1
    why="it is for another statement, seq or key"
    IFS=' ' read -r logged logged_seq logged_key received <<EOF
$(jq -r '"\(.statement.sha256) \(.seq) \(.keyid) \(.received)"' "$work/leaf" 2>/dev/null)
EOF
    same "$logged" "$2" && same "$logged_seq" "$seq" && same "$logged_key" "$keyid" || return 1
    why="the inclusion proof does not hold"
    included
}

checkpoint_signed() {
    held=1
    while IFS= read -r line; do
        rest=${line#"$dash $log_name "}
        [ "$rest" != "$line" ] || continue
        printf '%s' "$rest" | base64 -d >"$work/sig" 2>/dev/null || return 1
        same "$(head -c 4 "$work/sig" | hex)" "$log_id" || continue
        tail -c +5 "$work/sig" >"$work/sig64"
        openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/log.der" -rawin -in "$work/checkpoint" \
            -sigfile "$work/sig64" >/dev/null 2>&1 || return 1
        held=0
    done <"$work/signatures"
    return $held
}

# RFC 9162 2.1.3.2: from the leaf to the root, one sibling per level
included() {
    [ "$index" -lt "$tree" ] || return 1
    fn=$index
    sn=$((tree - 1))
    { printf '\000'; cat "$work/leaf"; } | openssl dgst -sha256 -binary >"$work/hash"
    while IFS= read -r line; do
        [ "$sn" -gt 0 ] || return 1
        printf '%s' "$line" | base64 -d >"$work/sibling" 2>/dev/null && [ "$(size "$work/sibling")" -eq 32 ] || return 1
        if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
            { printf '\001'; cat "$work/sibling" "$work/hash"; } | openssl dgst -sha256 -binary >"$work/node"
            while [ $((fn & 1)) -eq 0 ] && [ "$fn" -gt 0 ]; do
                fn=$((fn >> 1))
                sn=$((sn >> 1))
            done
        else
            { printf '\001'; cat "$work/hash" "$work/sibling"; } | openssl dgst -sha256 -binary >"$work/node"
        fi
        mv "$work/node" "$work/hash"
        fn=$((fn >> 1))
        sn=$((sn >> 1))
    done <"$work/path"
    [ "$sn" -eq 0 ] && same "$(base64 <"$work/hash")" "$root"
}

# --- every statement ----------------------------------------------------------------------------------------------

zeros=0000000000000000000000000000000000000000000000000000000000000000
last_seq=
last_payload=
for file in statements/*; do
    label=${file#statements/}
    if ! open_envelope "$file" application/vnd.in-toto+json "$agent_pub"; then
        fail "$label: signature (not by trust/agent.pub over this type and payload)"
        last_seq=
        continue
    fi
    ok "$label: signature"
    mv "$work/payload" "$work/statement"
    payload=$(sha256 <"$work/statement")
    if ! read_statement; then
        fail "$label: statement type"
        last_seq=
        continue
    fi
    ok "$label: statement type"
    check "$label: names the key that signed it" same "$named_key" "$keyid"
    check "$label: file name" same "$label" "$(printf '%08d-%s.dsse.json' "$seq" "$kind")"
    if [ "$seq" -eq 0 ]; then
        check "$label: chain begins" same "$prev" "$zeros"
    elif [ -z "$last_seq" ]; then
        note "$label: the statement before it is not in the bundle"
    elif [ "$seq" -le "$last_seq" ]; then
        fail "$label: chain (this seq was there before)"
    elif [ "$seq" -eq $((last_seq + 1)) ]; then
        check "$label: chain (prev is the statement before it)" same "$prev" "$last_payload"
    else
        fail "$label: chain (statements $((last_seq + 1)) to $((seq - 1)) are not in the bundle)"
    fi
    last_seq=$seq
    last_payload=$payload
    printf '%s %s sha256:%s\n' "$seq" "$kind" "$payload" >>"$work/found"
    blobs_of "$label"
    [ "$kind" = assessment ] && runs_of "$label"
    receipt=receipts/$(printf '%08d' "$seq").tlog-proof
    if [ ! -f "$receipt" ]; then
        note "$label: no receipt, so no proof of when the backend got it"
    elif [ -z "$log_name" ]; then
        fail "$label: receipt (no trust/log.vkey to check it with)"
    elif receipt_of "$receipt" "$payload"; then
        ok "$label: receipt, received $received"
    else
        fail "$label: receipt ($why)"
    fi
done

# --- nothing more, nothing less -----------------------------------------------------------------------------------

for file in receipts/*; do
    [ "$file" = 'receipts/*' ] && continue
    number=${file#receipts/}
    number=${number%.tlog-proof}
    set -- statements/"$number"-*.dsse.json
    [ -f "$1" ] || fail "$file: belongs to no statement"
done
for file in blobs/sha256/*; do
    [ "$file" = 'blobs/sha256/*' ] || printf '%s\n' "${file#blobs/sha256/}"
done | sort >"$work/present"
sort -u "$work/named" >"$work/named.sorted"
comm -23 "$work/present" "$work/named.sorted" >"$work/unnamed"
while IFS= read -r digest; do fail "blobs/sha256/$digest: no statement names it"; done <"$work/unnamed"

listed=$(jq -r '.statements[] | "\(.seq) \(.kind) \(.payload)"' manifest.json 2>/dev/null)
check "manifest.json lists these statements" same "$listed" "$(cat "$work/found")"
newest=none
while IFS=' ' read -r _ kind payload; do [ "$kind" = assessment ] && newest=$payload; done <"$work/found"
check "manifest.json names the newest assessment" same "$(jq -r '.assessment // "none"' manifest.json 2>/dev/null)" "$newest"

if [ "$failures" -gt 0 ]; then
    printf '%s of %s checks FAILED\n' "$failures" "$checks"
    exit 1
fi
printf 'all %s checks held\n' "$checks"

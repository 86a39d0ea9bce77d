#!/bin/sh
# A customer asks for a copy, opens it, and has everything erased: by curl alone.
#   walk.sh http://localhost:8080/privacy folder-for-the-copy
set -eu
base=$1
dir=$2
mkdir -p "$dir"

call() { # who method path body key
	who=$1 method=$2 path=$3 body=${4:-}
	[ $# -lt 5 ] || set -- -H "Idempotency-Key: $5"
	[ "$1" = -H ] || set --
	curl -sS --fail-with-body -X "$method" "$base$path" -H "Authorization: Bearer $who" -H 'Just-Logged-In: yes' \
		-H 'Content-Type: application/json' --data "$body" "$@"
}
# field takes a field of text out of an answer; jq does it better where it is installed.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# wait_for waits until the desk has brought a request to a state.
wait_for() { # id state
	tries=0
	while [ "$(curl -sS "$base/requests/$1" -H 'Authorization: Bearer customer-17' | field state)" != "$2" ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "request $1 never came to $2" >&2; exit 1; }
		sleep 0.2
	done
}

echo "== a copy of everything"
key="copy-$(date +%s)-$$-0123456789"
asked=$(call customer-17 POST /requests '{"right":"access","text":"Please send me all."}' "$key")
again=$(call customer-17 POST /requests '{"right":"access","text":"Please send me all."}' "$key") # as after a lost answer
[ "$asked" = "$again" ] && echo "the same answer: yes"
id=$(echo "$asked" | field id)
call customer-17 POST "/requests/$id/verify" '{}' >/dev/null
call clerk POST "/requests/$id/accept" >/dev/null
wait_for "$id" reviewing
call clerk GET "/requests/$id/work" && echo
call clerk POST "/requests/$id/approve" >/dev/null
age-keygen -o "$dir/key.txt" 2>/dev/null
path=$(call customer-17 POST "/requests/$id/export" "{\"keys\":[\"$(age-keygen -y "$dir/key.txt")\"]}" | field path)
curl -sS --fail -o /dev/null "$base$path" # a program that opens links ahead: nothing is used up
curl -sS --fail -X POST -o "$dir/copy.zip.age" "$base$path"
age --decrypt --identity "$dir/key.txt" --output "$dir/copy.zip" "$dir/copy.zip.age"
unzip -q -o "$dir/copy.zip" -d "$dir/copy"
cat "$dir/copy/data/purchases/purchase.csv" "$dir/copy/data/letters/letter.csv"
echo "once more: $(curl -sS -X POST -o /dev/null -w '%{http_code}' "$base$path")"
call customer-17 POST "/requests/$id/deliver" | field state

echo "== and now all of it goes"
id=$(call customer-17 POST /requests '{"right":"erase"}' | field id)
call customer-17 POST "/requests/$id/verify" '{}' >/dev/null
call clerk POST "/requests/$id/accept" >/dev/null
wait_for "$id" reviewing
call clerk POST "/requests/$id/approve" >/dev/null
wait_for "$id" delivering
call clerk GET "/requests/$id/work" && echo
call clerk POST "/requests/$id/deliver" | field state

echo "== with a certificate that anybody can check"
path=$(call customer-17 POST "/requests/$id/certify" | field path)
tries=0
until call customer-17 GET "$path" >"$dir/certificate.json" 2>/dev/null; do # its entry is signed in a moment
	tries=$((tries + 1))
	[ $tries -lt 300 ] || { echo "the certificate was never signed" >&2; exit 1; }
	sleep 0.2
done
grep -o '"stage": "[a-z]*"' "$dir/certificate.json"

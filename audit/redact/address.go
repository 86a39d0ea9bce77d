package redact

import (
	"net/netip"
	"strings"
)

// addresses6 finds IPv6 addresses (RFC 4291 section 2.2, zones of RFC 4007).
// Runs of digits and colons are candidates, the parser of the standard library
// decides: times and hardware addresses have too few groups for it.
func addresses6(s string) (found []span) {
	for i := 0; i < len(s); {
		if !isHex(s[i]) && colon(s, i) == 0 || isLetter(at(s, i-1)) || isDigit(at(s, i-1)) {
			i++
			continue
		}
		end, escaped := i, false
		for end < len(s) {
			width := colon(s, end)
			if width == 0 && !isHex(s[end]) {
				break
			}
			escaped = escaped || width > 1
			end += max(width, 1)
		}
		var p span
		var ok bool
		if escaped {
			p, ok = escaped6(s, i, end)
		} else {
			p, ok = address6(s, i, end)
		}
		if ok {
			found = append(found, p)
			end = p.end
		}
		i = max(end, i+1)
	}
	return found
}

// colon returns the width of the colon at i, which may be escaped as in URLs, or
// 0.
func colon(s string, i int) int {
	switch {
	case s[i] == ':':
		return 1
	case s[i] == '%' && i+len(escapedColon) <= len(s) && strings.EqualFold(s[i:i+len(escapedColon)], escapedColon):
		return len(escapedColon)
	}
	return 0
}

const escapedColon = "%3A"

// escaped6 judges a run in which colons are escaped.
func escaped6(s string, start, end int) (span, bool) {
	const longest = 128 // an address has 39 characters at most, and 7 colons
	if end-start > longest || isWord(at(s, end)) {
		return span{}, false
	}
	run := strings.ReplaceAll(strings.ReplaceAll(s[start:end], escapedColon, ":"), strings.ToLower(escapedColon), ":")
	addr, err := netip.ParseAddr(run)
	if err != nil || stays6(addr, run) {
		return span{}, false
	}
	return span{start, end, IP, addr.String()}, true
}

// address6 judges the run of hexadecimal digits and colons from start to end.
func address6(s string, start, end int) (span, bool) {
	run := s[start:end]
	const colons = 6 // at least, of an address that is not shortened
	if strings.Count(run, ":") < colons && !strings.Contains(run, "::") {
		return span{}, false
	}
	if run[0] == ':' && run[1] != ':' {
		start++
	}
	if at(s, end) == '.' && isDigit(s[end-1]) {
		if mapped := start + strings.LastIndexByte(s[start:end], ':') + 1; quadEnd(s, mapped) > 0 {
			end = quadEnd(s, mapped)
		}
	}
	if s[end-1] == ':' && s[end-2] != ':' {
		end--
	}
	if isWord(at(s, end)) {
		return span{}, false
	}
	addr, start, end, ok := within6(s, start, end)
	if !ok || stays6(addr, s[start:end]) {
		return span{}, false
	}
	if at(s, end) == '%' {
		for end++; isWord(at(s, end)); {
			end++
		}
	}
	if at(s, start-1) == '[' && at(s, end) == ']' { // as before a port
		start--
		end++
	}
	return span{start, end, IP, addr.String()}, true
}

// within6 finds the address in a run that has one: the whole, or what is left of
// it without a port behind it and up to two words or numbers before it, as in
// "2001:db8::1:51234" and "bad:2001:db8:0:0:0:0:0:1".
func within6(s string, start, end int) (addr netip.Addr, from, to int, ok bool) {
	const before = 2
	for skipped := range before + 1 {
		for _, to := range [...]int{end, start + strings.LastIndexByte(s[start:end], ':')} {
			whole := skipped == 0 && to == end
			addr, err := netip.ParseAddr(s[start:to])
			if err != nil || !whole && !isTelling(s[start:to]) {
				continue
			}
			if skipped == 0 && isWordBefore(s[start:end]) {
				to = end
			}
			return addr, start, to, true
		}
		next := strings.IndexByte(s[start:end], ':') + 1
		if next == 0 || at(s, start+next) == ':' {
			break
		}
		start += next
	}
	return netip.Addr{}, 0, 0, false
}

// isWordBefore tells whether a run may as well be a word such as "add" before an
// address as an address before a port: then all of it is replaced.
func isWordBefore(run string) bool {
	word, rest, _ := strings.Cut(run, ":")
	_, err := netip.ParseAddr(rest)
	return err == nil && !strings.ContainsAny(word, "0123456789")
}

// isTelling tells an address from eight pairs of a longer fingerprint.
func isTelling(s string) bool {
	group := 0
	for i := range len(s) {
		if group++; s[i] == ':' {
			group = 0
		}
		if group > 2 {
			return true
		}
	}
	return strings.Contains(s, "::")
}

// stays6 tells whether an address has nobody behind it, or is a program's name.
func stays6(addr netip.Addr, s string) bool {
	return addr.IsLoopback() || addr.IsUnspecified() || !looksAssigned(s)
}

// looksAssigned tells addresses from names of programs such as "Dead::Beef":
// what is assigned begins with a digit, or is local or multicast.
func looksAssigned(s string) bool {
	return strings.ContainsAny(s, "0123456789") || s[0]|0x20 == 'f' && strings.IndexByte(s, ':') == 4
}

// addresses4 finds IPv4 addresses. Numbers of versions have three parts, or say
// that they are versions.
func addresses4(s string) (found []span) {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) || isDigit(at(s, i-1)) {
			continue
		}
		end := quadEnd(s, i)
		if end == 0 {
			continue
		}
		quad := s[i:end]
		if !inLongerNumber(s, i, end) && !afterVersion(s[:i]) && !means4Self(quad) {
			found = append(found, span{i, end, IP, quad})
		}
		i = end - 1
	}
	return found
}

// quadEnd returns the end of the four decimal octets that start at start, 0 if
// there are none.
func quadEnd(s string, start int) int {
	i := start
	for part := range 4 {
		if part > 0 {
			if at(s, i) != '.' {
				return 0
			}
			i++
		}
		first, octet := i, 0
		for ; isDigit(at(s, i)) && i < first+3; i++ {
			octet = octet*10 + int(s[i]-'0')
		}
		if i == first || octet > 255 || isDigit(at(s, i)) {
			return 0
		}
	}
	return i
}

// inLongerNumber tells whether digits go on beyond the four octets, or letters.
func inLongerNumber(s string, start, end int) bool {
	return at(s, start-1) == '.' && isDigit(at(s, start-2)) ||
		at(s, end) == '.' && isDigit(at(s, end+1)) && !isPort(s[end+1:]) || isLetter(at(s, end))
}

// isPort tells whether s begins with a number as long as those of a client's
// ports, which tcpdump writes behind a dot, and no dot follows.
func isPort(s string) bool {
	n := 0
	for isDigit(at(s, n)) {
		n++
	}
	return (n == 4 || n == 5) && !(at(s, n) == '.' && isDigit(at(s, n+1)))
}

// afterVersion knows "v1.2.3.4" and "version: 1.2.3.4", but not the flag in "curl
// -v 192.0.2.1".
func afterVersion(before string) bool {
	const reach = len("version: ")
	before = strings.ToLower(before[max(0, len(before)-reach):])
	return strings.HasSuffix(strings.TrimRight(before, " :="), "version") ||
		strings.HasSuffix(before, "v") && !isWord(at(before, len(before)-2))
}

// means4Self knows the addresses of the host itself, in which there is nobody.
func means4Self(quad string) bool {
	return strings.HasPrefix(quad, "127.") || quad == "0.0.0.0"
}

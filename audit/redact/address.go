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
		if !isHex(s[i]) && s[i] != ':' || isWord(at(s, i-1)) {
			i++
			continue
		}
		end := i
		for end < len(s) && (isHex(s[end]) || s[end] == ':') {
			end++
		}
		if p, ok := address6(s, i, end); ok {
			found = append(found, p)
			end = p.end
		}
		i = max(end, i+1)
	}
	return found
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
	addr, err := netip.ParseAddr(s[start:end])
	if err != nil || isWord(at(s, end)) || addr.IsLoopback() || addr.IsUnspecified() || !looksAssigned(s[start:end]) {
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
		at(s, end) == '.' && isDigit(at(s, end+1)) || isLetter(at(s, end))
}

func afterVersion(before string) bool {
	const reach = len("version: ")
	before = strings.ToLower(before[max(0, len(before)-reach):])
	before = strings.TrimRight(before, " :=")
	return strings.HasSuffix(before, "version") ||
		strings.HasSuffix(before, "v") && !isWord(at(before, len(before)-2))
}

// means4Self knows the addresses of the host itself, in which there is nobody.
func means4Self(quad string) bool {
	return strings.HasPrefix(quad, "127.") || quad == "0.0.0.0"
}

package redact

// Lengths of card numbers in digits, ISO/IEC 7812-1.
const (
	minCard = 13
	maxCard = 19
)

// isCard tells whether digits are a number that an issuer could have given out:
// its length, its beginning and its check digit fit. Without the beginning one
// in ten of all long identifiers and timestamps would be a card.
func isCard[T string | []byte](digits T) bool {
	return len(digits) >= minCard && len(digits) <= maxCard && isIssued(digits) && luhn(digits)
}

// isIssued knows the ranges of the large schemes: Visa, Mastercard and Mir,
// American Express, Diners Club, JCB, Discover, UnionPay, Maestro.
func isIssued[T string | []byte](digits T) bool {
	four := 0
	for i := range 4 {
		four = four*10 + int(digits[i]-'0')
	}
	n, two := len(digits), four/100
	switch {
	case two/10 == 4:
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720:
		return n == 16
	case four >= 2200 && four <= 2204:
		return n >= 16
	case two == 34, two == 37:
		return n == 15
	case two == 36, two == 38, two == 39, four/10 >= 300 && four/10 <= 305:
		return n >= 14
	case four >= 3528 && four <= 3589, four == 6011, two == 65, four/10 >= 644 && four/10 <= 649, two == 62, two == 81:
		return n >= 16
	case two == 50, two >= 56 && two <= 69:
		return true
	}
	return false
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn[T string | []byte](digits T) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// grouped tells whether the groups are those in which cards are printed and
// typed: of four or some of them run together, or four and six, or six at the
// front.
func (c candidate) grouped() bool {
	n := c.parts()
	if n == 1 || n > 5 {
		return false
	}
	for i := c.first; i < c.last; i++ {
		switch size := c.groups[i].len(); {
		case size > 0 && size%4 == 0:
		case size == 6 && (n == 2 || n == 3 && i == c.first+1):
		default:
			return false
		}
	}
	return true
}

// freeOfDigits tells whether the number is not the part of a decimal fraction.
func (c candidate) freeOfDigits() bool {
	return !inDecimal(c.text, group{c.groups[c.first].start, c.groups[c.last].end})
}

func inDecimal(s string, g group) bool {
	return at(s, g.start-1) == '.' && isDigit(at(s, g.start-2)) ||
		at(s, g.end) == '.' && isDigit(at(s, g.end+1))
}

// inHash tells whether the digits stand in a longer row of hexadecimal digits,
// as in a checksum or a trace id. Rows longer than any of those do not count.
func inHash(s string, g group) bool {
	const shortest, longest = 24, 128
	start, end := g.start, g.end
	for isHex(at(s, start-1)) && end-start <= longest {
		start--
	}
	for isHex(at(s, end)) && end-start <= longest {
		end++
	}
	return end-start >= shortest && !isWord(at(s, start-1)) && !isWord(at(s, end))
}

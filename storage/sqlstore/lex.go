package sqlstore

import "strings"

// opaque returns the index just after the quoted text or comment that begins at
// q[i], or i where none begins. Text that is never closed runs to the end.
func (d Dialect) opaque(q string, i int) int {
	rest := q[i:]
	switch {
	case rest[0] == '\'' || rest[0] == '"' || (rest[0] == '`' && d == SQLite):
		// A doubled quote inside reads as two quoted texts side by side,
		// which comes to the same.
		return after(q, i+1, rest[:1])
	case strings.HasPrefix(rest, "--"):
		return after(q, i+2, "\n")
	case strings.HasPrefix(rest, "/*"):
		return after(q, i+2, "*/")
	case rest[0] == '$' && d == Postgres:
		return dollar(q, i)
	}
	return i
}

func after(q string, from int, mark string) int {
	if at := strings.Index(q[from:], mark); at >= 0 {
		return from + at + len(mark)
	}
	return len(q)
}

// dollar skips a dollar-quoted text: $$ … $$ or $tag$ … $tag$. A placeholder
// such as $1 begins none.
func dollar(q string, i int) int {
	end := i + 1
	for end < len(q) && isWord(q[end]) {
		end++
	}
	if end == len(q) || q[end] != '$' || (end > i+1 && isDigit(q[i+1])) {
		return i
	}
	return after(q, end+1, q[i:end+1])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// words yields the bare words of q in upper case: what stands outside of
// quotes and comments.
func (d Dialect) words(q string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := 0; i < len(q); {
			if next := d.opaque(q, i); next > i {
				i = next
				continue
			}
			end := i
			for end < len(q) && isWord(q[end]) {
				end++
			}
			if end == i {
				i++
				continue
			}
			if !yield(strings.ToUpper(q[i:end])) {
				return
			}
			i = end
		}
	}
}

// plainRead reports whether q surely neither writes nor locks rows. It errs
// towards false: a column named "for" makes a plain read look like more.
func (d Dialect) plainRead(q string) bool {
	first := true
	for word := range d.words(q) {
		if first {
			switch word {
			case "SELECT", "WITH", "VALUES", "SHOW", "PRAGMA", "EXPLAIN":
			default:
				return false
			}
			first = false
		}
		switch word {
		case "INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "FOR", "ANALYZE":
			return false
		}
	}
	return !first
}

// controls reports whether q begins or ends transactions or savepoints, which
// only the handle may do.
func (d Dialect) controls(q string) bool {
	for word := range d.words(q) {
		switch word {
		case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE":
			return true
		}
		return false
	}
	return false
}

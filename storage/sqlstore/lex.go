package sqlstore

import "strings"

// kind is what a piece of SQL text is, as far as it matters here.
type kind int

const (
	blank  kind = iota // space and comments
	word               // a bare word or number
	opaque             // quoted text, and variables of SQLite
	other              // one byte of anything else
)

// lex yields the pieces of q in order. Text that is never closed runs to the
// end.
func (d Dialect) lex(q string) func(yield func(piece string, k kind) bool) {
	return func(yield func(string, kind) bool) {
		for i := 0; i < len(q); {
			end, k := d.piece(q, i)
			if !yield(q[i:end], k) {
				return
			}
			i = end
		}
	}
}

// piece returns where the piece that begins at q[i] ends, and its kind.
func (d Dialect) piece(q string, i int) (end int, k kind) {
	rest := q[i:]
	switch c := rest[0]; {
	case strings.IndexByte(" \t\r\n\f\v", c) >= 0:
		return i + 1, blank
	case strings.HasPrefix(rest, "--"):
		return after(q, i+2, "\n"), blank
	case strings.HasPrefix(rest, "/*"):
		return d.comment(q, i), blank
	case d == Postgres && (c == 'E' || c == 'e') && strings.HasPrefix(rest[1:], "'"):
		return escaped(q, i+2), opaque
	case isWord(c):
		end = i
		for end < len(q) && (isWord(q[end]) || q[end] == '$') {
			end++
		}
		return end, word
	}
	if end = d.quoted(q, i); end > i {
		return end, opaque
	}
	return i + 1, other
}

// quoted returns where the quoted text or the variable that begins at q[i]
// ends, i where none begins.
func (d Dialect) quoted(q string, i int) int {
	switch c := q[i]; {
	case c == '\'' || c == '"' || (c == '`' && d == SQLite):
		// A doubled quote inside reads as two quoted texts side by side,
		// which comes to the same.
		return after(q, i+1, q[i:i+1])
	case c == '[' && d == SQLite:
		return after(q, i+1, "]")
	case c == '$' && d == Postgres:
		return dollar(q, i)
	case strings.IndexByte("$@#:", c) >= 0 && d == SQLite:
		return variable(q, i)
	}
	return i
}

func after(q string, from int, mark string) int {
	if at := strings.Index(q[from:], mark); at >= 0 {
		return from + at + len(mark)
	}
	return len(q)
}

// comment skips a comment. On PostgreSQL one may lie in another.
func (d Dialect) comment(q string, i int) int {
	if d != Postgres {
		return after(q, i+2, "*/")
	}
	for depth := 0; i < len(q); i++ {
		switch {
		case strings.HasPrefix(q[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(q[i:], "*/"):
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(q)
}

// escaped skips the rest of a text in which a backslash takes the meaning off
// a quote, as a second quote does.
func escaped(q string, i int) int {
	for ; i < len(q); i++ {
		switch {
		case q[i] == '\\' || strings.HasPrefix(q[i:], "''"):
			i++
		case q[i] == '\'':
			return i + 1
		}
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

// variable skips a variable of SQLite, which may end in parentheses with
// anything but space in them.
func variable(q string, i int) int {
	end := i + 1
	for end < len(q) && (isWord(q[end]) || q[end] == '$' || q[end] == ':') {
		end++
	}
	if end == i+1 || end == len(q) || q[end] != '(' {
		return end
	}
	if at := strings.IndexAny(q[end:], ") \t\r\n\f\v"); at >= 0 {
		return end + at + 1
	}
	return len(q)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// words yields the bare words of q in upper case: what stands outside of
// quotes and comments.
func (d Dialect) words(q string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for piece, k := range d.lex(q) {
			if k == word && !yield(strings.ToUpper(piece)) {
				return
			}
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

// single reports whether q is one statement at most. The handle cannot answer
// for what stands after the first.
func (d Dialect) single(q string) bool {
	return !strings.Contains(strings.TrimRight(q, "; \t\r\n"), ";") || len(d.split(q)) <= 1
}

// controls reports whether q begins or ends transactions or savepoints, which
// only the handle may do.
func (d Dialect) controls(q string) bool {
	first := ""
	for word := range d.words(q) {
		switch word {
		case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE":
			return first == ""
		}
		if first != "" {
			return first == "PREPARE" && word == "TRANSACTION"
		}
		first = word
	}
	return false
}

package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Migrations are the schema of one store, in steps that are never changed once
// they were released. FS has at its root a file NNNN_name.sqlite.sql and one
// NNNN_name.postgres.sql for each step, numbered from 0001 without a gap.
type Migrations struct {
	// Namespace keeps the steps of one store apart from those of the others:
	// lower case letters, digits and underscores.
	Namespace string
	FS        fs.FS
}

// step is one migration file, read.
type step struct {
	version    int
	name       string
	checksum   string
	statements []string
}

var (
	namespacePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	filePattern      = regexp.MustCompile(`^([0-9]{4})_([a-z0-9_]+)\.(sqlite|postgres)\.sql$`)
)

// steps reads the files of one dialect, in order.
func (m Migrations) steps(d Dialect) ([]step, error) {
	if !namespacePattern.MatchString(m.Namespace) {
		return nil, fmt.Errorf("sqlstore: migrations: namespace %q is not made of lower case letters, digits and underscores", m.Namespace)
	}
	files, err := fs.Glob(m.FS, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("sqlstore: migrations of %s: %w", m.Namespace, err)
	}
	var steps []step
	for _, file := range files {
		parts := filePattern.FindStringSubmatch(file)
		if parts == nil {
			return nil, fmt.Errorf("sqlstore: migrations of %s: file %s is not named NNNN_name.dialect.sql", m.Namespace, file)
		}
		if parts[3] != d.Name() {
			continue
		}
		s, err := m.read(d, file, parts)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, m.inOrder(d, steps)
}

func (m Migrations) read(d Dialect, file string, parts []string) (step, error) {
	text, err := fs.ReadFile(m.FS, file)
	if err != nil {
		return step{}, fmt.Errorf("sqlstore: migrations of %s: %w", m.Namespace, err)
	}
	version, err := strconv.Atoi(parts[1])
	if err != nil {
		return step{}, fmt.Errorf("sqlstore: migrations of %s: %w", m.Namespace, err)
	}
	// A checkout that turned the line ends is not another schema.
	content := strings.ReplaceAll(string(text), "\r\n", "\n")
	sum := sha256.Sum256([]byte(content))
	s := step{version: version, name: parts[2], checksum: hex.EncodeToString(sum[:]), statements: d.split(content)}
	if len(s.statements) == 0 {
		return step{}, fmt.Errorf("sqlstore: migrations of %s: file %s has no statement", m.Namespace, file)
	}
	if slices.ContainsFunc(s.statements, d.controls) {
		return step{}, fmt.Errorf("sqlstore: migrations of %s: file %s: %w", m.Namespace, file, ErrControl)
	}
	return s, nil
}

func (m Migrations) inOrder(d Dialect, steps []step) error {
	if len(steps) == 0 {
		return fmt.Errorf("sqlstore: migrations of %s: no file for %s", m.Namespace, d)
	}
	for i, s := range steps {
		if s.version != i+1 {
			return fmt.Errorf("sqlstore: migrations of %s: %04d_%s stands where %04d is expected", m.Namespace, s.version, s.name, i+1)
		}
	}
	return nil
}

// split cuts a file into statements, because not every driver takes more than
// one at a time. A semicolon ends a statement, except in quotes and comments,
// and in a trigger of SQLite, which ends with "; END;".
func (d Dialect) split(text string) []string {
	var out []string
	var t trigger
	start, end := 0, 0
	for piece, k := range d.lex(text) {
		end += len(piece)
		if k == blank {
			continue
		}
		inside := t.next(piece, k) && d == SQLite
		if k == other && piece == ";" && !inside {
			out = d.appendStatement(out, text[start:end-1])
			start, t = end, trigger{}
		}
	}
	return d.appendStatement(out, text[start:])
}

func (d Dialect) appendStatement(out []string, s string) []string {
	for range d.words(s) {
		return append(out, strings.TrimSpace(s))
	}
	return out // nothing but space and comments
}

// trigger follows the pieces of one statement to tell the semicolons inside of
// a trigger from the one that ends it.
type trigger struct {
	n         int    // pieces so far
	last      string // the last one
	is, final bool   // it is one; the last piece is its END
}

// next takes the next piece that is not blank, and reports whether it lies in
// an unfinished trigger.
func (t *trigger) next(piece string, k kind) (inside bool) {
	if k == word {
		piece = strings.ToUpper(piece)
	}
	switch {
	case t.n == 0 && piece != "CREATE":
		t.n = 3 // no trigger
	case t.n == 1 && (piece == "TEMP" || piece == "TEMPORARY"):
	case t.n == 1 || t.n == 2:
		t.is = piece == "TRIGGER"
		t.n = 3
	}
	t.n = min(t.n+1, 4)
	inside = t.is && (piece != ";" || !t.final)
	// "CASE … END;" ends an expression; the END of a trigger follows a ";".
	t.final = piece == "END" && t.last == ";"
	t.last = piece
	return inside
}

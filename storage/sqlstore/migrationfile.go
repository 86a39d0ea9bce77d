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
	start := 0
	for i := 0; i < len(text); {
		if next := d.opaque(text, i); next > i {
			i = next
			continue
		}
		i++
		if text[i-1] == ';' && d.complete(text[start:i]) {
			out = d.appendStatement(out, text[start:i-1])
			start = i
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

// complete reports whether s, which ends with a semicolon, is a statement and
// not the beginning of a trigger.
func (d Dialect) complete(s string) bool {
	if d != SQLite {
		return true
	}
	trigger, last := false, ""
	n := 0
	for word := range d.words(s) {
		trigger = trigger || (word == "TRIGGER" && n > 0 && n <= 2 && last != "DROP")
		last = word
		n++
	}
	if !trigger {
		return true
	}
	end := strings.TrimSpace(strings.TrimSuffix(s, ";"))
	if last != "END" || !strings.HasSuffix(strings.ToUpper(end), "END") {
		return false
	}
	// "CASE … END;" ends an expression; the END of a trigger follows a ";".
	return strings.HasSuffix(strings.TrimSpace(end[:len(end)-len("END")]), ";")
}

package export

import (
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trothdev/troth"
)

// Record is one thing that is held about a person, as a source gives it.
type Record struct {
	// Type is what kind of thing it is, such as "order": one type of a source is one
	// table.
	Type string
	// ID names the record within its type; it may be empty.
	ID string
	// Fields have different names. Their order is kept.
	Fields []Field
}

// Field is one named value of a record.
type Field struct {
	Name  string
	Value Value
	// About is whom the field is about, where it differs from what its column or its
	// type says.
	About About
}

// About is whom a field is about. It decides what may be handed out: somebody's
// right to a copy must not harm others (GDPR Article 15(4)).
type About uint8

const (
	// Unclassified: nobody said. Such a field is not handed out unless a [Redactor]
	// discloses it.
	Unclassified About = iota
	// Person: the person whose export it is, and nobody else.
	Person
	// Others: somebody else, or somebody else too, as in a message that both wrote.
	// Such a field is not handed out unless a [Redactor] discloses it.
	Others
)

// Text makes a field of [TextValue].
func Text(name, s string) Field { return Field{Name: name, Value: TextValue(s)} }

// Int makes a field of [IntValue].
func Int(name string, n int64) Field { return Field{Name: name, Value: IntValue(n)} }

// Float makes a field of [FloatValue].
func Float(name string, f float64) Field { return Field{Name: name, Value: FloatValue(f)} }

// Bool makes a field of [BoolValue].
func Bool(name string, b bool) Field { return Field{Name: name, Value: BoolValue(b)} }

// Time makes a field of [TimeValue].
func Time(name string, t time.Time) Field { return Field{Name: name, Value: TimeValue(t)} }

// Bytes makes a field of [BytesValue].
func Bytes(name string, b []byte) Field { return Field{Name: name, Value: BytesValue(b)} }

// File makes a field of [FileValue].
func File(name string, a *Attachment) Field { return Field{Name: name, Value: FileValue(a)} }

// Source is where records come from: a table of the host, a package of troth, a
// processor.
type Source struct {
	// Name is its name in the archive, unique there; Title what people call it, in the
	// language of the export, Name if empty.
	Name, Title string
	// Types say what is known of the types of records beforehand. A type that is not
	// among them may come too; its fields are unclassified.
	Types []Type
}

// Type describes a type of records.
type Type struct {
	Name, Title string
	// Purpose is why the data is held and Category what kind of data it is, in the
	// host's words; a column may have its own.
	Purpose  troth.Purpose
	Category string
	// About is whom the fields are about where neither field nor column says.
	About About
	// Columns are the columns of the table, in this order. Without them they are the
	// fields of the first record. Fields without a column of their own go to a last
	// column together.
	Columns []Column
}

// Column describes a field of a type.
type Column struct {
	Name, Title string
	Purpose     troth.Purpose
	Category    string
	About       About
}

// Bounds of what is written.
const (
	// MaxRecord is the most that the names and values of one record may take together,
	// in bytes, attachments not counted. What is larger is an attachment.
	MaxRecord = 2 << 20
	// MaxFields is the most fields of one record, and columns of one type.
	MaxFields = 1000
	// MaxFiles is the most files in one archive.
	MaxFiles = 60_000
	// MaxTypes is the most types of one source, and the most sources of one archive.
	MaxTypes = 1000
	maxName  = 255
)

// isName holds names to a length, to UTF-8 and to what can be seen.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && isLabel(s)
}

// isLabel is isName for what may be empty and longer.
func isLabel(s string) bool {
	if len(s) > MaxRecord || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || isHidden(r) {
			return false
		}
	}
	return true
}

func (s *Source) validate() error {
	if !isName(s.Name) || len(s.Title) > maxName || !isLabel(s.Title) {
		return needs("a source's name of 1 to 255 bytes of plain text")
	}
	if len(s.Types) > MaxTypes {
		return ErrLimit
	}
	seen := map[string]bool{}
	for i := range s.Types {
		t := &s.Types[i]
		if !isName(t.Name) || seen[t.Name] {
			return needs("a type's name of 1 to 255 bytes of plain text, once")
		}
		seen[t.Name] = true
		if err := t.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Type) validate() error {
	if len(t.Columns) > MaxFields {
		return ErrLimit
	}
	seen := map[string]bool{}
	for _, c := range t.Columns {
		if !isName(c.Name) || seen[c.Name] {
			return needs("a column's name of 1 to 255 bytes of plain text, once")
		}
		seen[c.Name] = true
		if !isDescribed(c.Title, c.Category, c.Purpose) {
			return needs("titles, categories and purposes in plain text of at most 255 bytes")
		}
	}
	if !isDescribed(t.Title, t.Category, t.Purpose) {
		return needs("titles, categories and purposes in plain text of at most 255 bytes")
	}
	return nil
}

func isDescribed(title, category string, p troth.Purpose) bool {
	return len(title) <= maxName && isLabel(title) && len(category) <= maxName && isLabel(category) &&
		(p == "" || p.Validate() == nil)
}

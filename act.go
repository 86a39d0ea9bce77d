package troth

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Act declares one kind of act and the facts that its evidence may hold. Each
// package publishes its acts; docs/acts.md is the table of all of them.
type Act struct {
	// Name is "package.verb", in lower case.
	Name string
	// Version counts from 1 and grows when the schema changes.
	Version int
	// Doc says in one sentence when the act is recorded.
	Doc string
	// Fields are the facts that may be given, in the order in which they are
	// encoded.
	Fields []Field
	// Parts are what its payload may have. None is ever required.
	Parts []PartSpec
}

// Field declares one fact of an act.
type Field struct {
	Name     string
	Kind     FactKind
	Optional bool
	Doc      string
}

// FactKind is the type of a fact. There is none for free text: that belongs in
// a sealed payload, see [Part].
type FactKind int

const (
	// WordFact: one word of a closed or declared vocabulary.
	WordFact FactKind = iota + 1
	// WordsFact: several of them, sorted, each once.
	WordsFact
	// CountFact: a whole number.
	CountFact
	// InstantFact: an instant, to the microsecond, UTC.
	InstantFact
	// DigestFact: 32 bytes that were hashed or committed to.
	DigestFact
	// IDFact: an opaque id that troth made, such as of a window or an entry.
	IDFact
)

var factKinds = map[FactKind]string{
	WordFact: "word", WordsFact: "words", CountFact: "count",
	InstantFact: "instant", DigestFact: "digest", IDFact: "id",
}

// String names the kind as docs/acts.md does.
func (k FactKind) String() string { return factKinds[k] }

// Facts are the facts of one entry, by field name.
type Facts map[string]Fact

// Fact is one typed value. Make it with [Word], [Words], [Count], [Instant],
// [Digest] or [ID].
type Fact struct {
	kind   FactKind
	text   string
	words  []string
	number int64
}

// Word is a fact of one word: an identifier such as a compartment's name or a
// ground. It must not be about a person.
func Word(w string) Fact { return Fact{kind: WordFact, text: w} }

// Words is a fact of several words; order and repetition are lost.
func Words[T ~string](ws ...T) Fact {
	sorted := make([]string, len(ws))
	for i, w := range ws {
		sorted[i] = string(w)
	}
	slices.Sort(sorted)
	return Fact{kind: WordsFact, words: slices.Compact(sorted)}
}

// Count is a fact of a whole number.
func Count[T ~int | ~int64 | ~uint32 | ~uint64](n T) Fact {
	return Fact{kind: CountFact, number: int64(n)}
}

// Instant is a fact of an instant; it is cut to microseconds, UTC.
func Instant(t time.Time) Fact { return Fact{kind: InstantFact, number: t.UnixMicro()} }

// Digest is a fact of 32 bytes.
func Digest(d [32]byte) Fact { return Fact{kind: DigestFact, text: string(d[:])} }

// ID is a fact of an opaque id.
func ID(id string) Fact { return Fact{kind: IDFact, text: id} }

// Kind is the fact's type; zero for the zero Fact.
func (f Fact) Kind() FactKind { return f.kind }

// Text is the word, the id, or the bytes of the digest.
func (f Fact) Text() string { return f.text }

// Words are the words in their stored order. They must not be changed.
func (f Fact) Words() []string { return f.words }

// Number is the count, or the instant in microseconds since 1970, UTC.
func (f Fact) Number() int64 { return f.number }

// ActError says that an entry does not fit its act.
type ActError struct {
	// Act is the act's name; Field or Part what of it is at fault, if one is.
	Act, Field, Part string
	// Reason is a phrase such as "is missing" or "is not declared".
	Reason string
}

func (e *ActError) Error() string {
	switch {
	case e.Field != "":
		return fmt.Sprintf("troth: act %q: field %q %s", e.Act, e.Field, e.Reason)
	case e.Part != "":
		return fmt.Sprintf("troth: act %q: part %q %s", e.Act, e.Part, e.Reason)
	default:
		return fmt.Sprintf("troth: act %q %s", e.Act, e.Reason)
	}
}

// Validate returns an error unless the act is well declared.
func (a *Act) Validate() error {
	if a == nil {
		return &ActError{Reason: "is missing"}
	}
	pkg, verb, ok := strings.Cut(a.Name, ".")
	if !ok || pkg == "" || verb == "" || a.Name != strings.ToLower(a.Name) {
		return &ActError{Act: a.Name, Reason: "is not named package.verb in lower case"}
	}
	if err := checkIdentifier("act", a.Name); err != nil {
		return err
	}
	if a.Version < 1 {
		return &ActError{Act: a.Name, Reason: "has no version"}
	}
	for i, f := range a.Fields {
		if f.Name == "" || slices.ContainsFunc(a.Fields[:i], func(other Field) bool { return other.Name == f.Name }) {
			return &ActError{Act: a.Name, Field: f.Name, Reason: "is unnamed or declared twice"}
		}
		if factKinds[f.Kind] == "" {
			return &ActError{Act: a.Name, Field: f.Name, Reason: "has no kind"}
		}
	}
	return a.checkParts()
}

// Validate returns an *[ActError] or *[IdentifierError] unless the entry fits
// its act: every given fact declared and of the declared kind, every fact that
// is not optional given; every part declared, about somebody, given once and
// within its bounds.
func (e Entry) Validate() error {
	if err := e.Act.Validate(); err != nil {
		return err
	}
	if err := e.Tenant.Validate(); err != nil {
		return err
	}
	if e.SubjectID != "" {
		if err := checkIdentifier("subject", e.SubjectID); err != nil {
			return err
		}
	}
	if e.Purpose != "" {
		if err := e.Purpose.Validate(); err != nil {
			return err
		}
	}
	switch e.Outcome {
	case "", Done, Refused, Unknown:
	default:
		return &ActError{Act: e.Act.Name, Reason: "has an unknown outcome"}
	}
	if err := e.checkFacts(); err != nil {
		return err
	}
	return e.checkParts()
}

func (e Entry) checkFacts() error {
	left := len(e.Facts)
	for _, field := range e.Act.Fields {
		fact, given := e.Facts[field.Name]
		if !given {
			if field.Optional {
				continue
			}
			return &ActError{Act: e.Act.Name, Field: field.Name, Reason: "is missing"}
		}
		left--
		if fact.kind != field.Kind {
			return &ActError{Act: e.Act.Name, Field: field.Name, Reason: "is not of the declared kind"}
		}
		if err := fact.check(field.Name); err != nil {
			return err
		}
	}
	if left != 0 {
		// Its name is not told: it may have been made of data.
		return &ActError{Act: e.Act.Name, Reason: "does not declare a fact that was given"}
	}
	return nil
}

func (f Fact) check(field string) error {
	switch f.kind {
	case WordFact, IDFact:
		return checkWord(field, f.text)
	case WordsFact:
		for _, w := range f.words {
			if err := checkWord(field, w); err != nil {
				return err
			}
		}
	case CountFact, InstantFact, DigestFact:
		// any value is valid
	}
	return nil
}

func checkWord(field, w string) error {
	if plain(w) {
		return nil
	}
	return checkIdentifier("fact "+field, w)
}

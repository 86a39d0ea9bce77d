package deadline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Set is a file of rules: those of one law, or of laws that resemble each
// other. It is never changed after it was read.
type Set struct {
	name    string
	version int
	title   string
	asOf    Date
	rules   []Rule
	hash    [sha256.Size]byte
}

// Name identifies the set, such as "gdpr".
func (s *Set) Name() string { return s.name }

// Version counts from 1 and grows with every change of the content.
func (s *Set) Version() int { return s.version }

// Title says in a few words which laws the set is about.
func (s *Set) Title() string { return s.title }

// AsOf is the day on which the set as a whole was looked at last.
func (s *Set) AsOf() Date { return s.asOf }

// Rules returns the rules, sorted by id.
func (s *Set) Rules() []Rule {
	rules := slices.Clone(s.rules)
	for i := range rules {
		rules[i] = rules[i].clone()
	}
	return rules
}

// Rule returns the rule with the id, and false if there is none.
func (s *Set) Rule(id string) (Rule, bool) {
	i, ok := slices.BinarySearchFunc(s.rules, id, byID)
	if !ok {
		return Rule{}, false
	}
	return s.rules[i].clone(), true
}

// Hash returns the SHA-256 of the set's canonical bytes, in lower-case
// hexadecimal. Every field of every rule is hashed, after templates were filled
// in; layout and order of the JSON are not.
func (s *Set) Hash() string { return hex.EncodeToString(s.hash[:]) }

// ErrPin says that a set is not the one that was pinned.
var ErrPin = errors.New("deadline: set is not the pinned one")

// Pinned returns an error that wraps [ErrPin] unless the set has this hash. A
// host that had counsel approve a set pins it, and learns of a change before a
// deadline moves.
func (s *Set) Pinned(hash string) error {
	if s.Hash() != hash {
		return fmt.Errorf("%w: %s version %d has hash %s", ErrPin, s.name, s.version, s.Hash())
	}
	return nil
}

// SetError tells where a set cannot be read.
type SetError struct {
	// Set is its name, if that was read.
	Set string
	// Err is a [*RuleError], or tells what is wrong with the JSON.
	Err error
}

func (e *SetError) Error() string {
	if e.Set == "" {
		return fmt.Sprintf("deadline: set: %v", e.Err)
	}
	return fmt.Sprintf("deadline: set %q: %v", e.Set, e.Err)
}

func (e *SetError) Unwrap() error { return e.Err }

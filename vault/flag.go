package vault

import (
	"bytes"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const (
	flagDomain = "troth.vault.flag/1"
	// maxFlag bounds what a key record carries of restrictions.
	maxFlag = 4096
)

// flag are the restrictions that a key is under. Its encoding is part of what
// the key's record is bound to: with another one the key does not unwrap.
type flag []flagged

// flagged is one restriction, and the purposes for which data opens all the
// same.
type flagged struct {
	id     troth.EntryID
	except []troth.Purpose
}

// encode returns nothing for no restriction.
func (f flag) encode() []byte {
	if len(f) == 0 {
		return nil
	}
	b := canon.AppendDomain(nil, flagDomain)
	b = canon.AppendList(b, len(f))
	for _, one := range f {
		b = canon.AppendList(b, 2)
		b = canon.AppendBytes(b, one.id[:])
		b = canon.AppendList(b, len(one.except))
		for _, p := range one.except {
			b = canon.AppendText(b, p)
		}
	}
	return b
}

// parseFlag reads what encode wrote, and nothing else: [ErrKeyRecord].
func parseFlag(b []byte) (flag, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) > maxFlag {
		return nil, ErrKeyRecord
	}
	w := canon.Walk(b, flagDomain)
	f := make(flag, 0, 1)
	for range w.List() {
		var one flagged
		if w.List() != 2 || copy(one.id[:], w.Bytes()) != len(one.id) {
			return nil, ErrKeyRecord
		}
		for range w.List() {
			one.except = append(one.except, troth.Purpose(w.Text()))
		}
		f = append(f, one)
	}
	if !w.Done() || !bytes.Equal(f.encode(), b) {
		return nil, ErrKeyRecord
	}
	return f, nil
}

func (f flag) index(id troth.EntryID) int {
	return slices.IndexFunc(f, func(one flagged) bool { return one.id == id })
}

// with returns the flag with one more restriction.
func (f flag) with(one flagged) flag {
	if f.index(one.id) >= 0 {
		return f
	}
	return append(slices.Clip(f), one)
}

// without returns the flag with one restriction less.
func (f flag) without(id troth.EntryID) flag {
	return slices.DeleteFunc(slices.Clone(f), func(one flagged) bool { return one.id == id })
}

// rule is what restrictions leave; nil leaves everything.
type rule struct{ purposes []troth.Purpose }

// rule returns what all of the restrictions leave: a purpose that one of them
// does not except is forbidden.
func (f flag) rule() *rule {
	var r *rule
	for _, one := range f {
		r = r.and(&rule{one.except})
	}
	return r
}

func (r *rule) and(other *rule) *rule {
	if r == nil {
		return other
	}
	if other == nil {
		return r
	}
	return &rule{slices.DeleteFunc(slices.Clone(r.purposes), func(p troth.Purpose) bool { return !other.allows(p) })}
}

func (r *rule) allows(p troth.Purpose) bool { return r == nil || slices.Contains(r.purposes, p) }

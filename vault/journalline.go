package vault

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const erasureDomain = "troth.vault.erasure/1"

// Scopes of a line: those of an erasure, as [Target.kind] names them, and what
// else a restored store must not forget.
const (
	tenantScope       = "tenant"
	subjectScope      = "subject"
	compartmentsScope = "compartments"
	// generationScope is of one generation that was let go, which the digest names.
	generationScope = "generation"
	// exportScope is of keys that left in a keyset.
	exportScope = "export"
	// restrictScope is of a restriction, which is named by the entry; liftScope of
	// the end of one, which is named by the digest.
	restrictScope = "restriction"
	liftScope     = "lift"
)

// maxParts bounds the compartments that one erasure names.
const maxParts = 2000

// erasure is what a line of the journal says. docs/formats/vault.md has the
// bytes. Whoever holds one that came out of [parseErasure] holds the permit to
// destroy again what it names, and nothing else.
type erasure struct {
	entry troth.EntryID
	at    int64
	scope string
	// name is that of the tenant where the scope is one, or a whole tenant's keys
	// left; else of the person.
	name [32]byte
	// parts are compartments: those that died, or left, and those that were
	// spared, where the scope is a subject. They ascend.
	parts [][32]byte
	// digest is the receipt's, of the keys that died.
	digest [32]byte
}

// lifts is the restriction whose end the line tells of.
func (e *erasure) lifts() (id troth.EntryID) {
	copy(id[:], e.digest[:])
	return id
}

// newErasure is what the journal says of a shredding that its receipt tells of.
func newErasure(n *names, r *Receipt, at int64) (erasure, error) {
	t := r.Target
	e := erasure{entry: r.Entry, at: at, scope: t.kind(), digest: r.digest()}
	cs := t.Compartments
	if e.scope == tenantScope {
		e.name = n.tenant(t.Tenant)
		return e, nil
	}
	if e.scope == subjectScope {
		cs = t.spared()
	}
	if len(cs) > maxParts {
		return e, fmt.Errorf("%w: more than %d compartments at once", ErrTarget, maxParts)
	}
	e.name = n.person(t.Tenant, t.SubjectID)
	e.parts = n.compartments(t.Tenant, t.SubjectID, cs)
	return e, nil
}

// line is the erasure as the journal keeps it, under the key of lines.
func (e *erasure) line(key []byte) []byte {
	b := e.append(make([]byte, 0, 256+37*len(e.parts)))
	tag := macOf(key, b)
	return canon.AppendBytes(b, tag[:])
}

func (e *erasure) append(b []byte) []byte {
	b = canon.AppendDomain(b, erasureDomain)
	b = canon.AppendBytes(b, e.entry[:])
	b = canon.AppendInt(b, e.at)
	b = canon.AppendText(b, e.scope)
	b = canon.AppendBytes(b, e.name[:])
	b = canon.AppendList(b, len(e.parts))
	for _, p := range e.parts {
		b = canon.AppendBytes(b, p[:])
	}
	return canon.AppendBytes(b, e.digest[:])
}

var (
	errLine = fmt.Errorf("%w: a line cannot be read", ErrJournal)
	errTag  = fmt.Errorf("%w: a line was not written for this store", ErrJournal)
)

// parseErasure reads a line, and accepts only what the vault wrote that has the
// key.
func parseErasure(key, line []byte) (erasure, error) {
	e, tag, err := readErasure(line)
	if err != nil {
		return erasure{}, errLine
	}
	want := macOf(key, e.append(nil))
	if !hmac.Equal(want[:], tag) {
		return erasure{}, errTag
	}
	return e, nil
}

var errShape = errors.New("vault: not of the right shape")

// readErasure reads a line without asking who wrote it.
func readErasure(line []byte) (e erasure, tag []byte, err error) {
	if len(line) > MaxJournalLine {
		return e, nil, errShape
	}
	m, err := canon.Parse(line)
	if err != nil || m.Domain != erasureDomain || len(m.Fields) != 7 {
		return e, nil, errShape
	}
	f := m.Fields
	e.at, e.scope, tag = f[1].Int, f[2].Text, f[6].Bytes
	ok := fixed(e.entry[:], f[0]) && f[1].Tag == canon.TagInt && f[2].Tag == canon.TagText &&
		fixed(e.name[:], f[3]) && f[4].Tag == canon.TagList && fixed(e.digest[:], f[5]) &&
		f[6].Tag == canon.TagBytes && len(tag) == 32
	for _, p := range f[4].List {
		var part [32]byte
		ok = ok && fixed(part[:], p)
		e.parts = append(e.parts, part)
	}
	if !ok || !e.sound() {
		return erasure{}, nil, errShape
	}
	return e, tag, nil
}

// sound reports whether the parts are as the scope wants them.
func (e *erasure) sound() bool {
	if e.entry.IsZero() || len(e.parts) > maxParts {
		return false
	}
	for i := 1; i < len(e.parts); i++ {
		if compareNames(e.parts[i-1], e.parts[i]) >= 0 {
			return false
		}
	}
	switch e.scope {
	case tenantScope:
		return len(e.parts) == 0
	case subjectScope, compartmentsScope: // the pseudonym's is always spared
		return len(e.parts) > 0
	case generationScope:
		return len(e.parts) == 1
	case exportScope:
		return true
	case restrictScope:
		return len(e.parts) == 0 && e.digest == [32]byte{}
	case liftScope:
		return len(e.parts) == 0 && !e.lifts().IsZero() && [16]byte(e.digest[16:]) == [16]byte{}
	}
	return false
}

// has reports whether the erasure names the compartment as one of its parts.
func (e *erasure) has(part [32]byte) bool {
	_, found := slices.BinarySearchFunc(e.parts, part, compareNames)
	return found
}

// dead are the names under which nothing is made again.
func (e *erasure) dead() []BuriedName {
	switch e.scope {
	case tenantScope, subjectScope:
		return []BuriedName{{Name: e.name, Entry: e.entry, At: e.at}}
	case generationScope: // by the key alone: there may be another of the number
		return []BuriedName{{Name: e.digest, Entry: e.entry, At: e.at}}
	case exportScope, restrictScope, liftScope:
		return nil
	}
	dead := make([]BuriedName, len(e.parts))
	for i, p := range e.parts {
		dead[i] = BuriedName{Name: p, Entry: e.entry, At: e.at}
	}
	return dead
}

// fixed copies a field of a fixed size; false if it is another.
func fixed(to []byte, f canon.Field) bool {
	return f.Tag == canon.TagBytes && len(f.Bytes) == len(to) && copy(to, f.Bytes) == len(to)
}

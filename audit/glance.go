package audit

import (
	"bytes"

	"github.com/trothdev/troth/internal/canon"
)

// glance is what verification needs of a leaf, read without taking memory. Its
// slices lie in the leaf.
type glance struct {
	index, number uint64
	prev          []byte // nil in the tenant's first leaf
	id            []byte
	recordedAt    int64
	tenant, act   []byte
	subject       []byte // nil if there is none
	commitments   int
}

// glanceAt reads a leaf. ok is false for what is none.
func glanceAt(leaf []byte) (g glance, ok bool) {
	l := canon.Walk(leaf, leafDomain)
	g.index, g.number = l.Uint(), l.Uint()
	if !l.None() {
		g.prev = l.Bytes()
	}
	l.Skip(1) // when it was sequenced
	envelope := l.Bytes()
	if !l.Done() {
		return glance{}, false
	}
	e := canon.Walk(envelope, envelopeDomain)
	g.id, g.recordedAt = e.Bytes(), e.Int()
	g.tenant, g.act = e.Text(), e.Text()
	e.Skip(3) // version, outcome, actor
	if !e.None() {
		g.subject = e.Bytes()
	}
	e.Skip(2) // purpose, facts
	g.commitments = e.List()
	e.Skip(g.commitments + 1) // the nonce is last
	return g, e.Done() && (g.prev == nil) == (g.number == 1)
}

// fits reports whether the columns of a row say what its leaf says.
func (g glance) fits(row *LogRow) bool {
	return g.index == row.Index && g.number == row.Number && string(g.tenant) == string(row.Tenant) &&
		bytes.Equal(g.id, row.ID[:]) && g.recordedAt == row.RecordedAt && string(g.act) == row.Act &&
		(g.subject == nil && row.Subject.IsZero() || bytes.Equal(g.subject, row.Subject[:]))
}

package retention

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/canon"
)

// Hash is the SHA-256 of the policy's canonical bytes, which
// docs/formats/retention-policy.md describes. Two texts that say the same have
// the same hash: order counts for stages alone, and a default that is written out
// is one that is left out.
func (p *Policy) Hash() [sha256.Size]byte { return sha256.Sum256(p.canonical()) }

func (p *Policy) canonical() []byte {
	b := canon.AppendDomain(nil, Format)
	b = canon.AppendText(b, p.Name)
	b = canon.AppendUint(b, uint64(p.Version))
	b = canon.AppendText(b, p.Title)
	b = appendDate(b, p.Effective)
	b = canon.AppendText(b, cmp.Or(p.Apply, EarlierOnly))
	b = canon.AppendText(b, p.Zone)
	b = appendPeriods(b, p.Sweep, p.Retry)
	b = appendSorted(b, p.Events, func(e Event) string { return e.Name }, appendEvent)
	b = appendSorted(b, p.Copies, func(c Copy) string { return c.Name }, appendCopy)
	b = appendSorted(b, p.Classes, func(c Class) string { return c.Name }, appendClass)
	if p.Default == nil {
		b = canon.AppendNone(b)
	} else {
		b = appendLifecycle(canon.AppendList(b, 2), *p.Default)
	}
	b = appendSorted(b, p.Labels, func(l Label) string { return l.Name }, appendLabel)
	b = appendSorted(b, p.Promises, func(r Promise) string { return r.Name }, appendPromise)
	return appendSorted(b, p.Obligations, func(o Obligation) string { return o.Name }, appendObligation)
}

// appendSorted appends a list whose order says nothing, by id.
func appendSorted[T any](b []byte, list []T, id func(T) string, add func([]byte, T) []byte) []byte {
	list = slices.SortedFunc(slices.Values(list), func(x, y T) int { return cmp.Compare(id(x), id(y)) })
	b = canon.AppendList(b, len(list))
	for _, item := range list {
		b = add(b, item)
	}
	return b
}

func appendEvent(b []byte, e Event) []byte {
	return appendFields(b, e.Name, string(cmp.Or(e.Scope, OfRecord)))
}

func appendCopy(b []byte, c Copy) []byte {
	b = canon.AppendList(b, 6)
	b = canon.AppendText(b, c.Name)
	b = canon.AppendText(b, c.Kind)
	b = canon.AppendText(b, c.Of)
	b = appendSet(b, c.Classes)
	return appendPeriods(b, c.Lag, c.Rotation)
}

func appendClass(b []byte, c Class) []byte {
	b = canon.AppendList(b, 8)
	b = canon.AppendText(b, c.Name)
	b = canon.AppendText(b, c.Title)
	b = appendSet(b, c.Records)
	b = appendSet(b, c.Copies)
	b = appendFlag(b, c.ZeroRetention)
	b = canon.AppendText(b, cmp.Or(c.End, Destroy))
	return appendLifecycle(b, c.Lifecycle)
}

// appendLifecycle appends two lists.
func appendLifecycle(b []byte, l Lifecycle) []byte {
	b = canon.AppendList(b, len(l.Stages))
	for _, s := range l.Stages {
		b = canon.AppendList(b, 8)
		b = canon.AppendText(b, s.Name)
		b = canon.AppendText(b, s.Visible)
		b = appendFlag(b, s.Restorable)
		b = appendPeriods(b, s.For)
		b = canon.AppendText(b, s.Until)
		b = canon.AppendText(b, s.Then)
		b = appendDate(b, s.Review)
		b = appendSet(b, s.Copies)
	}
	return appendSorted(b, l.On, func(t Transition) string { return t.Event + " " + t.Goto }, func(b []byte, t Transition) []byte {
		b = canon.AppendList(b, 3)
		b = canon.AppendText(b, t.Event)
		b = appendSet(b, t.From)
		return canon.AppendText(b, t.Goto)
	})
}

func appendLabel(b []byte, l Label) []byte {
	b = canon.AppendList(b, 5)
	b = canon.AppendText(b, l.Name)
	b = appendSet(b, l.Classes)
	b = canon.AppendText(b, l.From)
	b = appendPeriods(b, l.For)
	return canon.AppendText(b, l.Why)
}

func appendPromise(b []byte, r Promise) []byte {
	b = canon.AppendList(b, 10)
	b = canon.AppendText(b, r.Name)
	b = appendSet(b, r.Classes)
	b = canon.AppendText(b, r.From)
	b = canon.AppendText(b, cmp.Or(r.To, Gone))
	b = appendPeriods(b, r.Within)
	b = appendFlag(b, r.AtOnce)
	b = appendSet(b, r.Copies)
	b = appendSet(b, r.Unless)
	b = appendSet(b, r.Yields)
	return canon.AppendText(b, r.Cite)
}

func appendObligation(b []byte, o Obligation) []byte {
	b = canon.AppendList(b, 8)
	b = canon.AppendText(b, o.Name)
	b = appendSet(b, o.Classes)
	b = appendSet(b, o.Labels)
	b = canon.AppendText(b, o.From)
	b = appendPeriods(b, o.For)
	b = appendFlag(b, o.YearEnd)
	b = appendDate(b, o.Review)
	return canon.AppendText(b, o.Cite)
}

// appendSet appends a list of ids whose order says nothing.
func appendSet(b []byte, ids []string) []byte {
	return appendSorted(b, ids, func(s string) string { return s }, canon.AppendText[string])
}

func appendFields(b []byte, texts ...string) []byte {
	b = canon.AppendList(b, len(texts))
	for _, t := range texts {
		b = canon.AppendText(b, t)
	}
	return b
}

// appendPeriods appends periods as text; none for one that is absent.
func appendPeriods(b []byte, periods ...deadline.Period) []byte {
	for _, p := range periods {
		if p.IsZero() {
			b = canon.AppendNone(b)
		} else {
			b = canon.AppendText(b, p.String())
		}
	}
	return b
}

func appendDate(b []byte, d deadline.Date) []byte {
	if d.IsZero() {
		return canon.AppendNone(b)
	}
	return canon.AppendText(b, d.String())
}

func appendFlag(b []byte, flag bool) []byte {
	if flag {
		return canon.AppendUint(b, 1)
	}
	return canon.AppendUint(b, 0)
}

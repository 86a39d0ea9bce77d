package deadline

import (
	"crypto/sha256"

	"github.com/trothdev/troth/internal/canon"
)

// sum hashes the canonical bytes of the set, which docs/formats/deadline.md
// describes.
func (s *Set) sum() [sha256.Size]byte { return sha256.Sum256(s.canonical()) }

func (s *Set) canonical() []byte {
	b := canon.AppendDomain(nil, Format)
	b = canon.AppendText(b, s.name)
	b = canon.AppendInt(b, int64(s.version))
	b = canon.AppendText(b, s.title)
	b = canon.AppendText(b, s.asOf.String())
	b = canon.AppendList(b, len(s.rules))
	for i := range s.rules {
		b = appendRule(b, &s.rules[i])
	}
	return b
}

// ruleFields is the number of fields of a rule's list.
const ruleFields = 18

func appendRule(b []byte, r *Rule) []byte {
	b = canon.AppendList(b, ruleFields)
	b = canon.AppendText(b, r.ID)
	b = canon.AppendText(b, r.Title)
	b = canon.AppendText(b, r.Duty)
	b = canon.AppendText(b, r.Kind)
	b = canon.AppendText(b, r.Sense)
	b = canon.AppendText(b, r.Period.String())
	b = canon.AppendList(b, len(r.Start))
	for _, s := range r.Start {
		b = appendTexts(b, string(s.Event), string(s.Asked), s.After.String())
	}
	b = canon.AppendText(b, r.FirstDay)
	b = canon.AppendText(b, r.Roll)
	b = canon.AppendText(b, r.Calendar)
	b = appendExtension(b, r.Extension)
	b = canon.AppendList(b, len(r.Pauses))
	for _, p := range r.Pauses {
		b = appendTexts(b, string(p.From), string(p.To), string(p.Days))
	}
	b = appendTexts(b, r.From.String(), dayOrNothing(r.To))
	b = canon.AppendList(b, len(r.Doubts))
	for _, d := range r.Doubts {
		b = appendTexts(b, string(d.Reading), dayOrNothing(d.Before), d.Why)
	}
	b = canon.AppendText(b, r.Citation)
	b = canon.AppendText(b, r.AsOf.String())
	b = canon.AppendText(b, r.Confidence)
	return canon.AppendText(b, r.Note)
}

func appendExtension(b []byte, x Extension) []byte {
	if x == (Extension{}) {
		return canon.AppendNone(b)
	}
	b = canon.AppendList(b, 3)
	b = canon.AppendText(b, x.Period.String())
	b = canon.AppendInt(b, int64(x.Count))
	return canon.AppendText(b, x.Chain)
}

func appendTexts(b []byte, texts ...string) []byte {
	b = canon.AppendList(b, len(texts))
	for _, t := range texts {
		b = canon.AppendText(b, t)
	}
	return b
}

func dayOrNothing(d Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

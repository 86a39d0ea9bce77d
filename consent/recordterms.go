package consent

import (
	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/canon"
)

// termsDomain names the format of a stored version of a purpose.
const termsDomain = "troth.consent.terms/1"

// Append encodes a version of a purpose: what the trail commits to, and what the
// ledger stores.
func (t *Terms) Append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, termsDomain)
	dst = canon.AppendText(dst, t.Tenant)
	dst = canon.AppendText(dst, t.Purpose)
	dst = canon.AppendUint(dst, uint64(t.Version))
	dst = canon.AppendText(dst, t.Title)
	dst = canon.AppendText(dst, t.Basis)
	dst = appendBool(dst, t.DirectMarketing)
	dst = appendTexts(dst, t.Data)
	dst = appendTexts(dst, t.Recipients)
	dst = appendTexts(dst, t.StoredIn)
	dst = canon.AppendText(dst, t.Retention.String())
	for _, p := range []deadline.Period{t.Validity, t.Refresh} {
		dst = canon.AppendText(dst, p.String())
	}
	dst = canon.AppendText(dst, t.Age)
	dst = canon.AppendUint(dst, uint64(t.MinimumAge))
	dst = canon.AppendText(dst, t.AfterMajority.String())
	dst = appendTexts(dst, t.Requires)
	dst = appendBool(dst, t.DoubleOptIn)
	dst = appendBool(dst, t.Retired)
	dst = canon.AppendText(dst, t.Change)
	dst = canon.AppendText(dst, t.Grace.String())
	dst = canon.AppendInt(dst, micros(t.EffectiveAt))
	return canon.AppendInt(dst, micros(t.PublishedAt))
}

// ParseTerms reads what [Terms.Append] wrote; anything else is [ErrRecord].
func ParseTerms(b []byte) (Terms, error) {
	r := reader{canon.Walk(b, termsDomain), len(b) > MaxRecord}
	t := Terms{
		Tenant: troth.Tenant(r.text()), Purpose: troth.Purpose(r.text()), Version: r.small(), Title: r.text(),
		Basis: Basis(r.text()), DirectMarketing: r.flag(),
		Data: texts[string](&r), Recipients: texts[string](&r), StoredIn: texts[string](&r), Retention: r.period(),
		Validity: r.period(), Refresh: r.period(),
		Age: AgeRule(r.text()), MinimumAge: int(r.small()), AfterMajority: r.period(),
		Requires: texts[troth.Purpose](&r), DoubleOptIn: r.flag(), Retired: r.flag(),
		Change: Change(r.text()), Grace: r.period(), EffectiveAt: r.instant(), PublishedAt: r.instant(),
	}
	if !r.done() || t.validate() != nil {
		return Terms{}, ErrRecord
	}
	return t, nil
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return canon.AppendUint(dst, 1)
	}
	return canon.AppendUint(dst, 0)
}

func appendTexts[T ~string](dst []byte, all []T) []byte {
	dst = canon.AppendList(dst, len(all))
	for _, s := range all {
		dst = canon.AppendText(dst, s)
	}
	return dst
}

func (r *reader) flag() bool {
	n := r.Uint()
	r.bad = r.bad || n > 1
	return n == 1
}

func texts[T ~string](r *reader) []T {
	n := r.List()
	if n > maxNames {
		r.bad = true
		return nil
	}
	var all []T
	for range n {
		all = append(all, T(r.text()))
	}
	return all
}

func (r *reader) period() deadline.Period {
	p, err := deadline.ParsePeriod(r.text())
	r.bad = r.bad || err != nil
	return p
}

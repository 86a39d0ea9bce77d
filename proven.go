package troth

import "slices"

// Proven is an entry of the trail, as who verified a proof of it read it: what receipts and
// certificates are compared with, which such entries commit to. A trail's verifier keys read
// it, see audit.Verifiers.Proven; the packages that compare do not judge proofs.
type Proven struct {
	Act        string
	ActVersion int
	Outcome    ActOutcome
	Tenant     Tenant
	// Purpose is empty where the act has none.
	Purpose Purpose
	// Facts are the entry's, by name.
	Facts Facts
}

// Says reports whether the entry is of the act, in the version that is given, done and not refused
// or failed, about something of the tenant's, and has these facts. It may have others.
func (p Proven) Says(act *Act, tenant Tenant, facts Facts) bool {
	if p.Act != act.Name || p.ActVersion != act.Version || p.Outcome != Done || p.Tenant != tenant {
		return false
	}
	for name, want := range facts {
		got, has := p.Facts[name]
		if !has || got.kind != want.kind || got.text != want.text || got.number != want.number || !slices.Equal(got.words, want.words) {
			return false
		}
	}
	return true
}

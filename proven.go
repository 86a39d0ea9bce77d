package troth

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

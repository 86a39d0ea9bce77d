package clearance

import "github.com/trothdev/troth"

// Ground, Permit and Policy are the facts by which an act of destroying says who gave leave,
// and why.
var (
	Ground = troth.Field{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"}
	Permit = troth.Field{Name: "permit", Kind: troth.WordFact, Doc: "managed, or unmanaged where no keeper checked"}
	Policy = troth.Field{Name: "policy", Kind: troth.DigestFact, Optional: true, Doc: "hash of the policy that allowed it"}
)

// Facts adds to facts what the permit says, and returns them.
func Facts(p troth.Permit, facts troth.Facts) troth.Facts {
	facts[Ground.Name], facts[Permit.Name] = troth.Word(p.Ground()), troth.Word("managed")
	if p.IsUnmanaged() {
		facts[Permit.Name] = troth.Word("unmanaged")
	} else {
		facts[Policy.Name] = troth.Digest(p.Policy())
	}
	return facts
}

// Unmanaged is the act of making something that destroys without a keeper.
func Unmanaged(name, doc string) *troth.Act {
	return &troth.Act{Name: name, Version: 1, Doc: doc, Fields: []troth.Field{Ground}}
}

// Alone is the entry of that act.
func Alone(act *troth.Act, ground string) troth.Entry {
	return troth.Entry{Act: act, Tenant: troth.Platform, Facts: troth.Facts{Ground.Name: troth.Word(ground)}}
}

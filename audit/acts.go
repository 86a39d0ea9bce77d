package audit

import "github.com/trothdev/troth"

// Words of the fact "permit".
const (
	permitManaged   = "managed"
	permitUnmanaged = "unmanaged"
)

var (
	actUnmanaged = &troth.Act{
		Name:    "audit.unmanaged",
		Version: 1,
		Doc:     "A trail was made that forgets pseudonyms without a retention keeper.",
		Fields: []troth.Field{
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
		},
	}
	actForget = &troth.Act{
		Name:    "audit.pseudonym-forget",
		Version: 1,
		Doc:     "The link between a person and the pseudonym that this entry names was destroyed.",
		Fields: []troth.Field{
			{Name: "role", Kind: troth.WordFact, Doc: "what the pseudonym stood for: subject, or person for an actor"},
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
			{Name: "permit", Kind: troth.WordFact, Doc: "managed, or unmanaged where no keeper checked"},
			{Name: "policy", Kind: troth.DigestFact, Optional: true, Doc: "hash of the policy that allowed it"},
		},
	}
)

// Acts are the acts whose evidence this package records about itself.
func Acts() []*troth.Act { return []*troth.Act{actForget, actUnmanaged} }

// self acts when the trail records something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.audit"}

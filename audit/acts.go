package audit

import (
	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

var (
	actUnmanaged = clearance.Unmanaged("audit.unmanaged", "A trail was made that forgets pseudonyms without a retention keeper.")
	actForget    = &troth.Act{
		Name:    "audit.pseudonym-forget",
		Version: 1,
		Doc:     "The link between a person and the pseudonym that this entry names was destroyed.",
		Fields: []troth.Field{
			{Name: "role", Kind: troth.WordFact, Doc: "what the pseudonym stood for: subject, or person for an actor"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actPartsDrop = &troth.Act{
		Name:    "audit.parts-drop",
		Version: 1,
		Doc:     "Sealed parts of older entries of the tenant were destroyed. The entries stay, and still prove what they say.",
		Fields: []troth.Field{
			{Name: "before", Kind: troth.InstantFact, Doc: "all of them were recorded before this instant"},
			{Name: "parts", Kind: troth.CountFact, Doc: "how many parts"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actRedact = &troth.Act{
		Name:    "audit.redact",
		Version: 1,
		Doc:     "An entry of the tenant, its parts included, was reduced to its hash.",
		Fields: []troth.Field{
			{Name: "entry", Kind: troth.IDFact, Doc: "id of the entry that is gone"},
			{Name: "hash", Kind: troth.DigestFact, Doc: "hash of its leaf, which stays in the log"},
			{Name: "index", Kind: troth.CountFact, Doc: "its position in the log, from 0"},
			{Name: "number", Kind: troth.CountFact, Doc: "its number among the tenant's entries in the log, from 1"},
			{Name: "log", Kind: troth.CountFact, Doc: "which log of the store, from 1"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actPrune = &troth.Act{
		Name:    "audit.prune",
		Version: 1,
		Doc:     "The oldest entries of a log, of all tenants, are destroyed. What a kept checkpoint says of them stays.",
		Fields: []troth.Field{
			{Name: "log", Kind: troth.CountFact, Doc: "which log of the store, from 1"},
			{Name: "before", Kind: troth.CountFact, Doc: "position of the first entry that stays"},
			{Name: "size", Kind: troth.CountFact, Doc: "size of the log at the checkpoint that is kept"},
			{Name: "root", Kind: troth.DigestFact, Doc: "root hash at that checkpoint"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
)

// Acts are the acts whose evidence this package records about itself.
func Acts() []*troth.Act {
	return []*troth.Act{
		actForget, actPartsDrop, actRedact, actPrune, actUnmanaged, actLogOpen, actRotate, actQuarantine,
	}
}

// self acts when the trail records something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.audit"}
